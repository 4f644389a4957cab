import FoundationEssentials
import Platform

/// `POST /freeBusy`: when the named calendars are taken.
struct FreeBusyQuery {
    let range: Range<Date>
    let zone: Zone
    let calendars: [String]

    /// Google expands at most so many calendars.
    private static let maximumCalendars = 50
    /// And looks at most so far.
    private static let longestRange: Double = 92 * 86_400

    init(_ json: JSON) throws(GoogleError) {
        guard let fields = json.object else { throw .notJSON }
        let known = ["timeMin", "timeMax", "timeZone", "groupExpansionMax", "calendarExpansionMax", "items"]
        if let unknown = fields.keys.sorted().first(where: { !known.contains($0) }) { throw .unknownField(unknown) }
        let start = try Self.instant(fields, "timeMin")
        let end = try Self.instant(fields, "timeMax")
        guard start < end else { throw .emptyRange }
        guard end.timeIntervalSince(start) <= Self.longestRange else {
            throw GoogleError(400, "timeRangeTooLong", "The requested time range is too long.")
        }
        range = start..<end
        guard let zone = Zone(identifier: fields["timeZone"]?.string ?? "UTC") else {
            throw .invalid("Invalid time zone definition.")
        }
        self.zone = zone
        guard let items = fields["items"]?.array else { throw .required("items") }
        calendars = items.compactMap { $0["id"]?.string }
        guard calendars.count == items.count else { throw .required("item id") }
        guard calendars.count <= Self.maximumCalendars else {
            throw GoogleError(400, "tooManyCalendarsRequested", "Too many calendars were requested.")
        }
    }

    func answer(from store: CalendarStore) -> JSON {
        var answers: [String: JSON] = [:]
        for calendar in calendars { answers[calendar] = answer(for: calendar, from: store) }
        return [
            "kind": "calendar#freeBusy", "timeMin": .string(Timestamp.rfc3339(range.lowerBound)),
            "timeMax": .string(Timestamp.rfc3339(range.upperBound)), "calendars": .object(answers),
        ]
    }

    /// A calendar that is not there is an error in its place, and the answer is still 200.
    private func answer(for calendar: String, from store: CalendarStore) -> JSON {
        guard store.has(calendar) else {
            return ["errors": [["domain": "global", "reason": "notFound"]], "busy": []]
        }
        let busy = store.busyTimes(of: calendar, in: range).map { time -> JSON in
            [
                "start": .string(Timestamp.rfc3339(time.lowerBound, in: zone)),
                "end": .string(Timestamp.rfc3339(time.upperBound, in: zone)),
            ]
        }
        return ["busy": .array(busy)]
    }

    static func instant(_ fields: [String: JSON], _ name: String) throws(GoogleError) -> Date {
        guard let value = fields[name], !value.isNull else { throw .required("\(name)") }
        guard let date = value.string.flatMap(Timestamp.parse)?.date() else { throw .invalid("Bad Request") }
        return date
    }
}
