public import FoundationEssentials
import HTTP
public import Platform
import Synchronization

/// Google's token endpoint and Calendar API v3 over HTTP, for one service account with a key of its own.
///
/// Like Google it lets events overlap; `overlaps(in:)` tells whether any do. Safe to use from any task.
public final class SimulatedGoogle: Sendable {
    public struct Configuration: Sendable {
        /// The calendars that the service account may use; any other is 404.
        public var calendars = ["primary"]
        /// Those of them that it may only read: its `accessRole` is "reader".
        public var readOnlyCalendars: Set<String> = []
        /// IANA name of the zone of the calendars.
        public var timezone = "UTC"
        /// Times that are taken from the start, by calendar.
        public var busy: [String: [Range<Date>]] = [:]
        /// Whom the account may impersonate by domain-wide delegation; nil is anybody.
        public var delegatedSubjects: Set<String>?
        /// 0 picks a free port.
        public var port = 0
        public init() {}
    }

    public struct Refusal: Sendable, Hashable {
        public var status: Int
        public var reason: String
        public var message: String
        public var path: String
    }

    private struct State {
        var store: CalendarStore
        var grants: [String: TokenGrant] = [:]
        var tokensIssued = 0
        var refusals: [Refusal] = []
        var baseURL = ""
    }

    private static let keptRefusals = 1_000
    /// Tokens at the same time; one more, and all are forgotten, which clients must survive anyway.
    private static let maximumTokens = 1_000

    public let faults: FaultSwitch
    private let configuration: Configuration
    private let account: ServiceAccount
    private let zone: Zone
    private let server: SimulatorServer
    private let state: Mutex<State>

    /// Throws when the time zone is unknown or no key can be made.
    public init(configuration: Configuration = Configuration(), faults: FaultPlan = .none, logger: Logger) throws {
        guard let zone = Zone(identifier: configuration.timezone) else {
            throw SimulatorError("no such time zone: \(configuration.timezone)")
        }
        self.configuration = configuration
        self.zone = zone
        account = try ServiceAccount()
        self.faults = FaultSwitch(faults)
        server = SimulatorServer(faults: self.faults, logger: logger)
        let store = CalendarStore(busy: configuration.busy, calendars: configuration.calendars, zone: zone)
        state = Mutex(State(store: store))
    }

    /// Starts to serve; returns the base URL, to be given as `GOOGLE_CALENDAR_BASE_URL`:
    /// "http://127.0.0.1:port/calendar/v3". Write the credentials afterwards: they name the port.
    public func start() throws -> String {
        let baseURL = try server.start(self, port: configuration.port)
        state.withLock { $0.baseURL = baseURL }
        return baseURL + "/calendar/v3"
    }

    public func stop() async { await server.stop() }
}

extension SimulatedGoogle {
    /// The service account's credentials, as Google's console gives them out.
    public var credentials: JSON { account.credentials(baseURL: state.withLock(\.baseURL)) }

    /// Writes them to a file that only its owner may read.
    public func writeCredentials(to path: String) throws {
        let isWritten = FileManager.default.createFile(
            atPath: path, contents: credentials.data, attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw SimulatorError("the credentials could not be written to \(path)") }
    }

    /// The events of a calendar by their start, cancelled ones included.
    public func events(in calendar: String = "primary") -> [SimulatedEvent] {
        state.withLock { $0.store.events[calendar].map { Array($0.values) } ?? [] }
            .sorted { ($0.start, $0.id) < ($1.start, $1.id) }
    }

    /// Pairs of events that stand in each other's time: none, if nobody was booked twice.
    public func overlaps(in calendar: String = "primary") -> [(SimulatedEvent, SimulatedEvent)] {
        let events = events(in: calendar).filter { !$0.isCancelled }
        return events.indices.flatMap { index in
            events[(index + 1)...].prefix { $0.start < events[index].end }.map { (events[index], $0) }
        }
    }

    /// Takes a time as if somebody else had booked it.
    public func block(_ range: Range<Date>, in calendar: String = "primary") {
        state.withLock { $0.store.block(range, in: calendar) }
    }

    /// Requests that were refused, faults not counted: the latest 1,000.
    public var refusals: [Refusal] { state.withLock(\.refusals) }
    public var tokensIssued: Int { state.withLock(\.tokensIssued) }
}

extension SimulatedGoogle: SimulatedProvider {
    func operation(of request: HTTPServerRequest) -> SimulatedOperation? {
        request.path == "/token" ? .token : CalendarRoute(request)?.operation
    }

    func process(_ request: HTTPServerRequest) async -> SimulatedAnswer {
        request.path == "/token" ? token(request) : calendar(request)
    }

    func failure(status: Int) -> JSON {
        status == 429
            ? GoogleError(429, "rateLimitExceeded", "Rate Limit Exceeded").json
            : GoogleError(status, "backendError", "Backend Error").json
    }

    private func token(_ request: HTTPServerRequest) -> SimulatedAnswer {
        do throws(TokenError) {
            guard request.method == "POST" else {
                throw TokenError("invalid_request", "POST is expected.", status: 405)
            }
            let grant = try TokenRequest(
                publicKeyPEM: account.publicKeyPEM, audience: state.withLock(\.baseURL) + "/token",
                delegatedSubjects: configuration.delegatedSubjects, now: .now
            ).grant(for: request)
            return SimulatedAnswer(json: [
                "access_token": .string(issue(grant)), "expires_in": 3_599, "token_type": "Bearer",
            ])
        } catch {
            refuse(request, status: error.status, reason: error.error, message: error.description)
            return SimulatedAnswer(status: error.status, json: error.json)
        }
    }

    private func issue(_ grant: TokenGrant) -> String {
        let token = "ya29.c." + Data(Cryptography.randomBytes(24)).base64EncodedString()
        state.withLock { state in
            if state.grants.count >= Self.maximumTokens { state.grants = [:] }
            state.grants[token] = grant
            state.tokensIssued += 1
        }
        return token
    }

    private func calendar(_ request: HTTPServerRequest) -> SimulatedAnswer {
        do throws(GoogleError) {
            let grant = try authenticate(request)
            guard let route = CalendarRoute(request) else { throw .notFound }
            guard route.isAllowed(grant) else { throw .scope }
            if let changed = route.changedCalendar, configuration.readOnlyCalendars.contains(changed) {
                throw .writerAccess
            }
            return try answer(route, request, grant)
        } catch {
            refuse(request, status: error.status, reason: error.reason, message: error.message)
            return SimulatedAnswer(status: error.status, json: error.json)
        }
    }

    private func authenticate(_ request: HTTPServerRequest) throws(GoogleError) -> TokenGrant {
        guard let header = request.headers["Authorization"] else { throw .loginRequired }
        let token = header.hasPrefix("Bearer ") ? String(header.dropFirst("Bearer ".count)) : ""
        guard let grant = state.withLock({ $0.grants[token] }), grant.expires > .now else { throw .wrongToken }
        return grant
    }

    private func refuse(_ request: HTTPServerRequest, status: Int, reason: String, message: String) {
        let refusal = Refusal(status: status, reason: reason, message: message, path: request.path)
        state.withLock { $0.refusals.keep(refusal, atMost: Self.keptRefusals) }
    }
}

extension SimulatedGoogle {
    private func answer(
        _ route: CalendarRoute, _ request: HTTPServerRequest, _ grant: TokenGrant
    ) throws(GoogleError) -> SimulatedAnswer {
        switch route {
        case .freeBusy:
            let query = try FreeBusyQuery(body(request))
            return SimulatedAnswer(json: state.withLock { query.answer(from: $0.store) })
        case .insert(let calendar):
            return try insert(into: calendar, request, grant, sendUpdates: route.sendUpdates(request.query))
        case .list(let calendar):
            let list = try EventList(request.query)
            guard state.withLock({ $0.store.has(calendar) }) else { throw .notFound }
            let shownBefore = Date.now.addingTimeInterval(-faults.plan.listLag.inSeconds)
            return SimulatedAnswer(
                json: list.answer(of: calendar, events(in: calendar), zone: zone, shownBefore: shownBefore))
        case .get(let calendar, let id): return SimulatedAnswer(json: try stored(id, in: calendar).json)
        case .patch(let calendar, let id):
            let whole = Self.patched(try stored(id, in: calendar).json, with: try body(request))
            return try update(
                id, in: calendar, to: whole, request, grant, sendUpdates: route.sendUpdates(request.query))
        case .update(let calendar, let id):
            let whole = try body(request)
            return try update(
                id, in: calendar, to: whole, request, grant, sendUpdates: route.sendUpdates(request.query))
        case .delete(let calendar, let id):
            let (etag, sendUpdates) = (request.headers["If-Match"], try route.sendUpdates(request.query))
            try changing { store throws(GoogleError) in
                try store.delete(id, in: calendar, ifMatch: etag, sendUpdates: sendUpdates, now: .now)
            }
            return SimulatedAnswer(status: 204, pieces: [])
        }
    }

    /// Patch semantics: objects are merged member by member, anything else is replaced, null takes away.
    private static func patched(_ stored: JSON, with sent: JSON) -> JSON {
        guard var members = stored.object, let changes = sent.object else { return sent }
        for (name, change) in changes {
            if change.isNull {
                members.removeValue(forKey: name)
            } else {
                members[name] = patched(members[name] ?? .null, with: change)
            }
        }
        return .object(members)
    }

    private func insert(
        into calendar: String, _ request: HTTPServerRequest, _ grant: TokenGrant, sendUpdates: String?
    ) throws(GoogleError) -> SimulatedAnswer {
        let body = try EventBody(body(request), zone: zone)
        guard body.attendees.isEmpty || grant.subject != nil else { throw .attendees }
        let organizer = grant.subject ?? ServiceAccount.email
        let event = try changing { store throws(GoogleError) in
            try store.insert(body, into: calendar, organizer: organizer, sendUpdates: sendUpdates, now: .now)
        }
        return SimulatedAnswer(json: event.json)
    }

    private func update(
        _ id: String, in calendar: String, to whole: JSON, _ request: HTTPServerRequest, _ grant: TokenGrant,
        sendUpdates: String?
    ) throws(GoogleError) -> SimulatedAnswer {
        let body = try EventBody(whole, zone: zone)
        guard body.attendees.isEmpty || grant.subject != nil else { throw .attendees }
        let etag = request.headers["If-Match"]
        let event = try changing { store throws(GoogleError) in
            try store.update(id, in: calendar, with: body, ifMatch: etag, sendUpdates: sendUpdates, now: .now)
        }
        return SimulatedAnswer(json: event.json)
    }

    private func stored(_ id: String, in calendar: String) throws(GoogleError) -> SimulatedEvent {
        try changing { store throws(GoogleError) in try store.event(id, in: calendar) }
    }

    private func changing<Value: Sendable>(
        _ body: (inout CalendarStore) throws(GoogleError) -> Value
    ) throws(GoogleError) -> Value {
        try state.withLock { state throws(GoogleError) in try body(&state.store) }
    }

    private func body(_ request: HTTPServerRequest) throws(GoogleError) -> JSON {
        guard let json = try? request.json(), json.object != nil else { throw .notJSON }
        return json
    }
}
