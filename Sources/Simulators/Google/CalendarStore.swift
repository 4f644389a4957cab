public import FoundationEssentials
public import Platform

/// An event as the simulated calendar holds it.
public struct SimulatedEvent: Sendable, Hashable {
    public var id: String
    public var calendarID: String
    public var summary: String?
    public var start: Date
    public var end: Date
    public var attendees: [String]
    public var isCancelled = false
    /// What `sendUpdates` said at the latest change, its deletion included.
    public var sendUpdates: String?
    /// Whole, in Google's shape.
    public var json: JSON
}

/// The calendars, without HTTP: what is in them and what may be done to them.
struct CalendarStore {
    private(set) var events: [String: [String: SimulatedEvent]] = [:]
    /// Times that are taken without an event that anyone may see.
    private(set) var busy: [String: [Range<Date>]]
    /// How often each id was inserted with success: never more than once.
    private(set) var inserts: [String: Int] = [:]
    private let zone: Zone
    /// Each version of an event has another etag.
    private var version: Int64 = 0

    init(busy: [String: [Range<Date>]], calendars: [String], zone: Zone) {
        self.busy = busy
        self.zone = zone
        for calendar in calendars { events[calendar] = [:] }
    }

    func has(_ calendar: String) -> Bool { events[calendar] != nil }

    func event(_ id: String, in calendar: String) throws(GoogleError) -> SimulatedEvent {
        guard let event = events[calendar]?[id] else { throw .notFound }
        return event
    }

    mutating func block(_ range: Range<Date>, in calendar: String) { busy[calendar, default: []].append(range) }

    /// A deleted event's id stays taken.
    mutating func insert(
        _ body: EventBody, into calendar: String, organizer: String, sendUpdates: String?, now: Date
    ) throws(GoogleError) -> SimulatedEvent {
        guard events[calendar] != nil else { throw .notFound }
        let id = body.id ?? newID(calendar)
        guard events[calendar]?[id] == nil else { throw .duplicate }
        let event = SimulatedEvent(
            id: id, calendarID: calendar, summary: body.fields["summary"]?.string, start: body.start.date,
            end: body.end.date, attendees: body.attendees.compactMap { $0["email"]?.string },
            sendUpdates: sendUpdates,
            json: json(of: body, id: id, calendar: calendar, organizer: organizer, now: now).merging(versioned(now)))
        events[calendar]?[id] = event
        inserts["\(calendar) \(id)", default: 0] += 1
        return event
    }

    /// Writes `body` in place of what the event was; what only the server writes stays. A deleted event may be written too:
    /// it is restored by its status.
    ///
    /// - Parameter etag: Of `If-Match`.
    mutating func update(
        _ id: String, in calendar: String, with body: EventBody, ifMatch etag: String?, sendUpdates: String?, now: Date
    ) throws(GoogleError) -> SimulatedEvent {
        var event = try event(id, in: calendar)
        try Self.check(event, etag)
        guard body.id == nil || body.id == id else { throw .invalid("Invalid resource id value.") }
        event.start = body.start.date
        event.end = body.end.date
        event.summary = body.fields["summary"]?.string
        event.attendees = body.attendees.compactMap { $0["email"]?.string }
        event.sendUpdates = sendUpdates
        let kept = (event.json.object ?? [:]).filter { Self.serversFields.contains($0.key) }
        let sequence = (event.json["sequence"]?.integer ?? 0) + 1
        event.json = json(of: body, id: id, calendar: calendar, organizer: "", now: now).merging(kept)
            .merging(versioned(now)).merging(["sequence": .integer(sequence)])
        event.isCancelled = event.json["status"]?.string == "cancelled"
        events[calendar]?[id] = event
        return event
    }

    mutating func delete(
        _ id: String, in calendar: String, ifMatch etag: String?, sendUpdates: String?, now: Date
    ) throws(GoogleError) {
        var event = try event(id, in: calendar)
        guard !event.isCancelled else { throw .deleted }
        try Self.check(event, etag)
        event.isCancelled = true
        event.sendUpdates = sendUpdates
        event.json = event.json.merging(["status": "cancelled"]).merging(versioned(now))
        events[calendar]?[id] = event
    }

    private static let serversFields: Set<String> = [
        "kind", "id", "htmlLink", "created", "creator", "organizer", "iCalUID", "eventType",
    ]

    private static func check(_ event: SimulatedEvent, _ etag: String?) throws(GoogleError) {
        if let etag, etag != "*", event.json["etag"]?.string != etag { throw .conditionNotMet }
    }

    private mutating func versioned(_ now: Date) -> [String: JSON] {
        version += 1
        return ["etag": .string("\"\(version)\""), "updated": .string(Timestamp.rfc3339(now))]
    }

    /// What is taken between those instants: merged, in order, cut to the range. Transparent events take nothing.
    func busyTimes(of calendar: String, in range: Range<Date>) -> [Range<Date>] {
        let taken = (events[calendar] ?? [:]).values.filter {
            !$0.isCancelled && $0.json["transparency"]?.string != "transparent"
        }
        let all = taken.map { $0.start..<$0.end } + (busy[calendar] ?? [])
        var merged: [Range<Date>] = []
        for time in all.filter({ $0.overlaps(range) }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
            let time = time.clamped(to: range)
            if let last = merged.last, time.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, time.upperBound)
            } else {
                merged.append(time)
            }
        }
        return merged
    }

    private func newID(_ calendar: String) -> String {
        let count = events[calendar]?.count ?? 0
        return stableIdentifier(
            "\(calendar) \(count)", count: 26, alphabet: "abcdefghijklmnopqrstuv0123456789")
    }

    private func json(
        of body: EventBody, id: String, calendar: String, organizer: String, now: Date
    ) -> JSON {
        let attendees = body.attendees.map { $0.merging(["responseStatus": $0["responseStatus"] ?? "needsAction"]) }
        let link = Data("\(id) \(calendar)".utf8).base64EncodedString().replacing("=", with: "")
        var members: [String: JSON] = [
            "kind": "calendar#event", "id": .string(id), "status": body.fields["status"] ?? "confirmed",
            "htmlLink": .string("https://www.google.com/calendar/event?eid=\(link)"),
            "created": .string(Timestamp.rfc3339(now)),
            "creator": ["email": .string(organizer)], "organizer": ["email": .string(calendar), "self": true],
            "start": body.start.json, "end": body.end.json, "iCalUID": .string("\(id)@google.com"),
            "sequence": 0, "reminders": ["useDefault": true], "eventType": "default",
        ]
        if !attendees.isEmpty { members["attendees"] = .array(attendees) }
        let sent = body.fields.filter { !["id", "start", "end", "attendees", "status"].contains($0.key) }
        return .object(members.merging(sent) { $1 })
    }
}
