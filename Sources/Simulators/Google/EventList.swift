import FoundationEssentials
import HTTP
import Platform

/// `GET /calendars/{id}/events`: which events, in which order, page by page.
struct EventList {
    private var from: Date?
    private var to: Date?
    private var showsDeleted: Bool
    private var isByStart: Bool
    private var query: String?
    private var iCalUID: String?
    private var offset: Int
    private var limit: Int

    private static let parameters: Set<String> = [
        "timeMin", "timeMax", "timeZone", "showDeleted", "singleEvents", "orderBy", "q", "maxResults", "pageToken",
        "iCalUID", "fields", "alt", "prettyPrint",
    ]

    init(_ parameters: FormFields) throws(GoogleError) {
        if let unknown = parameters.fields.first(where: { !Self.parameters.contains($0.name) }) {
            throw .unknownField(unknown.name)
        }
        from = try Self.instant(parameters, "timeMin")
        to = try Self.instant(parameters, "timeMax")
        if let from, let to, from >= to { throw .emptyRange }
        showsDeleted = parameters["showDeleted"] == "true"
        isByStart = parameters["orderBy"] == "startTime"
        if let order = parameters["orderBy"], !["startTime", "updated"].contains(order) {
            throw .invalid("Invalid value '\(order)'.", parameter: "orderBy")
        }
        guard !isByStart || parameters["singleEvents"] == "true" else {
            throw .invalid("The requested ordering is not available for the particular query.", parameter: "orderBy")
        }
        query = parameters["q"]
        iCalUID = parameters["iCalUID"]
        offset = try Self.number(parameters, "pageToken", in: 0...(.max)) ?? 0
        limit = try Self.number(parameters, "maxResults", in: 1...2_500) ?? 250
    }

    /// - Parameter shownBefore: events that are younger are not listed yet.
    func answer(of calendar: String, _ events: [SimulatedEvent], zone: Zone, shownBefore: Date) -> JSON {
        let matching = events.filter { event in
            let created = event.json["created"]?.string.flatMap(Timestamp.parse)?.date() ?? .distantPast
            return created <= shownBefore && (showsDeleted || !event.isCancelled)
                && from.map { event.end > $0 } ?? true && to.map { event.start < $0 } ?? true
                && query.map { event.json.text.lowercased().contains($0.lowercased()) } ?? true
                && iCalUID.map { event.json["iCalUID"]?.string == $0 } ?? true
        }
        let ordered = matching.sorted { isByStart ? ($0.start, $0.id) < ($1.start, $1.id) : $0.id < $1.id }
        let page = ordered.dropFirst(offset).prefix(limit)
        var answer: [String: JSON] = [
            "kind": "calendar#events", "summary": .string(calendar), "timeZone": .string(zone.identifier),
            "accessRole": "writer", "items": .array(page.map(\.json)),
        ]
        if offset + page.count < ordered.count { answer["nextPageToken"] = .string(String(offset + page.count)) }
        return .object(answer)
    }

    private static func instant(_ parameters: FormFields, _ name: String) throws(GoogleError) -> Date? {
        guard let text = parameters[name] else { return nil }
        guard let date = Timestamp.parse(text)?.date() else {
            throw .invalid("Invalid value for: Invalid format: \"\(text)\"", parameter: name)
        }
        return date
    }

    private static func number(
        _ parameters: FormFields, _ name: String, in range: ClosedRange<Int>
    ) throws(GoogleError) -> Int? {
        guard let text = parameters[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalid("Invalid value '\(text)'.", parameter: name)
        }
        return number
    }
}
