import FoundationEssentials
import HTTP
import Platform

/// `GET /2010-04-01/Accounts/{Sid}/Calls.json`: filters and pages, the newest call first.
struct CallList {
    private let query: FormFields
    private let size: Int
    private let page: Int
    /// The sid after which the page begins.
    private let token: String?
    /// By start, as [lower, upper).
    private var startedFrom: Date?
    private var startedBefore: Date?

    private static let parameters: Set<String> = [
        "To", "From", "Status", "StartTime", "StartTime>", "StartTime<", "EndTime", "EndTime>", "EndTime<",
        "ParentCallSid", "PageSize", "Page", "PageToken",
    ]

    init(_ query: FormFields) throws(TwilioAPIError) {
        if let unknown = query.fields.first(where: { !Self.parameters.contains($0.name) }) {
            throw .invalid(unknown.name, "is unknown")
        }
        self.query = query
        guard let size = Int(query["PageSize"] ?? "50"), (1...1_000).contains(size) else {
            throw .invalid("PageSize", query["PageSize"] ?? "")
        }
        guard let page = Int(query["Page"] ?? "0"), page >= 0 else { throw .invalid("Page", query["Page"] ?? "") }
        self.size = size
        self.page = page
        token = query["PageToken"]
        if let day = try Self.instant(query, "StartTime") {
            startedFrom = day
            startedBefore = day.addingTimeInterval(86_400)
        }
        startedFrom = try Self.instant(query, "StartTime>") ?? startedFrom
        startedBefore = try Self.instant(query, "StartTime<") ?? startedBefore
        if let status = query["Status"], SimulatedCall.Status(rawValue: status) == nil {
            throw .invalid("Status", status)
        }
    }

    /// - Parameter shownBefore: calls that are younger are not listed yet.
    func answer(_ calls: [SimulatedCall], account: String, shownBefore: Date) -> JSON {
        let matching = calls.reversed().filter { $0.created <= shownBefore && matches($0) }
        let start =
            token.flatMap { token in matching.firstIndex { "PA\($0.sid)" == token } }.map { $0 + 1 } ?? page * size
        let shown = matching.dropFirst(start).prefix(size)
        let path = "/2010-04-01/Accounts/\(account)/Calls.json"
        var next: JSON = .null
        if start + shown.count < matching.count, let last = shown.last {
            next = .string(uri(path, page: page + 1, token: "PA\(last.sid)"))
        }
        return [
            "calls": .array(shown.map { $0.json(account: account) }), "page": .integer(Int64(page)),
            "page_size": .integer(Int64(size)), "start": .integer(Int64(start)),
            "end": .integer(Int64(max(start, start + shown.count - 1))),
            "uri": .string(uri(path, page: page, token: token)),
            "first_page_uri": .string(uri(path, page: 0, token: nil)), "previous_page_uri": .null,
            "next_page_uri": next,
        ]
    }

    private func matches(_ call: SimulatedCall) -> Bool {
        guard query["To"] ?? call.to == call.to, query["From"] ?? call.from == call.from,
            query["Status"] ?? call.status.rawValue == call.status.rawValue
        else { return false }
        if startedFrom == nil, startedBefore == nil { return true }
        // A call that still waits has no start, and no filter by start finds it.
        guard let started = call.started else { return false }
        return startedFrom.map { started >= $0 } ?? true && startedBefore.map { started < $0 } ?? true
    }

    private func uri(_ path: String, page: Int, token: String?) -> String {
        var fields = FormFields(
            query.fields.filter { !["PageSize", "Page", "PageToken"].contains($0.name) }.map { ($0.name, $0.value) })
        fields.add("PageSize", String(size))
        fields.add("Page", String(page))
        if let token { fields.add("PageToken", token) }
        return "\(path)?\(fields.encoded)"
    }

    /// A day of UTC, or an instant.
    private static func instant(_ query: FormFields, _ name: String) throws(TwilioAPIError) -> Date? {
        guard let text = query[name] else { return nil }
        if let day = Timestamp.parseDay(text) { return Zone.utc.date(of: day) }
        guard let date = Timestamp.parse(text)?.date(in: .utc) else { throw .invalid(name, text) }
        return date
    }
}
