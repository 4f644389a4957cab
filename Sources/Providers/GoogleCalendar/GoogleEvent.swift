public import FoundationEssentials
import Platform

/// An event to insert.
public struct GoogleEvent: Sendable, Hashable {
    public struct Guest: Sendable, Hashable {
        public var email: String
        public var name: String?
        public init(email: String, name: String? = nil) {
            self.email = email
            self.name = name
        }
    }
    /// Chosen by us, so that a lost answer can be asked after: a to v and digits, 5 to 1024 characters.
    public var id: String
    public var summary: String
    public var notes: String?
    public var startsAt: Date
    public var endsAt: Date
    /// IANA name of the zone that the event is shown in.
    public var timezone: String
    public var guests: [Guest] = []
    /// Minutes before the start; only the calendar's owner gets them.
    public var emailReminderMinutes: Int? = 1_440
    public var popupReminderMinutes: Int? = 10
    /// Seen by nobody but the project that wrote them: by these we know the event as ours.
    public var privateProperties: [String: String] = [:]

    public init(id: String, summary: String, startsAt: Date, endsAt: Date, timezone: String) {
        self.id = id
        self.summary = summary
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.timezone = timezone
    }

    static func isValidID(_ id: String) -> Bool {
        (5...1_024).contains(id.utf8.count)
            && id.utf8.allSatisfy { (UInt8(ascii: "a")...UInt8(ascii: "v")).contains($0) || (48...57).contains($0) }
    }

    /// The body of `events.insert`.
    var json: JSON {
        var members: [String: JSON] = [
            "id": .string(id), "summary": .string(summary), "start": GoogleTime.json(startsAt, timezone),
            "end": GoogleTime.json(endsAt, timezone),
            "reminders": ["useDefault": false, "overrides": .array(reminders)],
        ]
        members["description"] = notes.map { .string($0) }
        if !guests.isEmpty { members["attendees"] = .array(guests.map(Self.attendee)) }
        if !privateProperties.isEmpty {
            members["extendedProperties"] = ["private": .object(privateProperties.mapValues { .string($0) })]
        }
        return .object(members)
    }

    private var reminders: [JSON] {
        [("email", emailReminderMinutes), ("popup", popupReminderMinutes)].compactMap { method, minutes in
            minutes.map { ["method": .string(method), "minutes": .integer(Int64($0))] }
        }
    }

    private static func attendee(_ guest: Guest) -> JSON {
        var members: [String: JSON] = ["email": .string(guest.email)]
        members["displayName"] = guest.name.map { .string($0) }
        return .object(members)
    }
}

/// An event as the calendar holds it.
public struct GoogleStoredEvent: Sendable, Hashable {
    public var id: String
    public var summary: String?
    /// The page that shows it.
    public var link: String?
    /// Nil for events of whole days.
    public var startsAt: Date?
    public var endsAt: Date?
    /// Deleted events are found by their id for some weeks, as cancelled.
    public var isCancelled: Bool
    public var guestEmails: [String]
    public var privateProperties: [String: String]

    init?(json: JSON) {
        guard let id = json["id"]?.string else { return nil }
        self.id = id
        summary = json["summary"]?.string
        link = json["htmlLink"]?.string
        startsAt = json["start"]?["dateTime"]?.string.flatMap(GoogleTime.date)
        endsAt = json["end"]?["dateTime"]?.string.flatMap(GoogleTime.date)
        isCancelled = json["status"]?.string == "cancelled"
        guestEmails = json["attendees"]?.array?.compactMap { $0["email"]?.string } ?? []
        privateProperties = json["extendedProperties"]?["private"]?.object?.compactMapValues(\.string) ?? [:]
    }
}

/// RFC 3339 times, with an offset and with or without fractions of a second.
enum GoogleTime {
    /// A start or an end, shown in that zone.
    static func json(_ date: Date, _ timezone: String) -> JSON {
        let zone = Zone(identifier: timezone) ?? .utc
        return ["dateTime": .string(zone.iso8601(date)), "timeZone": .string(timezone)]
    }

    static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}
