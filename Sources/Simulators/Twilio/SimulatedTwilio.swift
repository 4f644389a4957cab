import FoundationEssentials
import HTTP
public import Platform
import Synchronization

/// Twilio's Voice REST API over HTTP, and the telephone network behind it: it drives each call with signed webhooks, follows
/// the TwiML that it is answered with, and speaks with the voices of `Callee`s.
///
/// Safe to use from any task.
public final class SimulatedTwilio: Sendable {
    public struct Configuration: Sendable {
        public var accountSID = "AC00000000000000000000000000000001"
        public var authToken = "0123456789abcdef0123456789abcdef"
        /// The account's own numbers: a call must come from one of them.
        public var numbers: Set<String> = ["+15005550006"]
        public var callees = CalleeBook()
        /// Calls above this rate wait in status `queued`. Twilio's default is one; infinity is no limit.
        public var callsPerSecond = 1.0
        /// How much faster than real time people speak, ring and pause; infinity takes no time at all. Waiting for
        /// webhooks is never scaled.
        public var speed = 1.0
        /// How long a webhook may take.
        public var webhookTimeout: Duration = .seconds(15)
        /// After a lost connection or a time-out; a URL's own "#rc=…" wins.
        public var webhookRetries = 1
        public var webhookRetryDelay: Duration = .zero
        /// How long `Callee.Kind.hangsUpWhileWaiting` waits, in real time.
        public var hangUpDelay: Duration = .milliseconds(20)
        /// Documents in a row without hearing the callee.
        public var maximumRedirects = 100
        /// 0 picks a free port.
        public var port = 0
        public init() {}
    }

    public struct Refusal: Sendable, Hashable {
        public var status: Int
        public var code: Int
        public var message: String
        public var path: String
    }

    public struct TextMessage: Sendable, Hashable {
        public var to: String
        public var from: String
        public var body: String

        public init(to: String, from: String, body: String) {
            self.to = to
            self.from = from
            self.body = body
        }
    }

    private struct State {
        var refusals: [Refusal] = []
        var messages: [TextMessage] = []
        var inbound: [String: (voice: Webhook, status: Webhook?)] = [:]
    }

    public let faults: FaultSwitch
    private let configuration: Configuration
    private let server: SimulatorServer
    private let http: HTTPClient
    private let gate: RateGate
    private let ledger = CallLedger()
    private let state = Mutex(State())

    public init(configuration: Configuration = Configuration(), faults: FaultPlan = .none, logger: Logger) {
        self.configuration = configuration
        self.faults = FaultSwitch(faults)
        server = SimulatorServer(faults: self.faults, logger: logger)
        gate = RateGate(perSecond: configuration.callsPerSecond)
        var client = HTTPClient.Configuration()
        // Every call may have a webhook that is held.
        client.maximumConcurrentRequestsPerHost = 2_000
        client.maximumConcurrentRequests = 20_000
        http = HTTPClient(configuration: client, logger: logger)
    }

    /// Starts to serve; returns the base URL, to be given as `TWILIO_API_BASE_URL`: "http://127.0.0.1:port".
    public func start() throws -> String { try server.start(self, port: configuration.port) }

    /// Hangs up what is under way and stops.
    public func stop() async {
        await server.stop()
        ledger.interruptAll()
        await http.shutDown()
        await ledger.waitUntilIdle()
    }

    public var accountSID: String { configuration.accountSID }
    public var authToken: String { configuration.authToken }
}

// MARK: what happened

extension SimulatedTwilio {
    /// All calls in the order of their making.
    public var calls: [SimulatedCall] { ledger.all }
    public func call(_ sid: String) -> SimulatedCall? { ledger[sid] }
    /// How many calls there are, without copying them; and how many of them are not over.
    public var callCount: Int { ledger.count }
    public var unfinishedCalls: Int { ledger.unfinished }

    /// How often each number was dialled: twice is one time too many, unless it was redialled on purpose.
    public var callsByNumber: [String: Int] {
        calls.filter { $0.direction != "inbound" }.reduce(into: [:]) { $0[$1.to, default: 0] += 1 }
    }

    /// What callees heard instead of the agent; empty if all is well.
    public var applicationErrors: [SimulatedCall.ApplicationError] { calls.flatMap(\.applicationErrors) }
    /// Duplicated webhooks that got two answers; empty if all is well.
    public var mismatches: [SimulatedCall.AnswerMismatch] { calls.flatMap(\.mismatches) }
    /// API requests that were refused, faults not counted: the latest 1,000.
    public var refusals: [Refusal] { state.withLock(\.refusals) }

    /// Text messages that were taken: the latest 1,000.
    public var messages: [TextMessage] { state.withLock(\.messages) }

    /// From request to answer, of every answered webhook of that kind.
    public func roundTrips(_ kind: WebhookRecord.Kind) -> [Duration] {
        calls.flatMap { $0.webhooks.filter { $0.kind == kind && $0.status != nil }.map(\.roundTrip) }
    }

    /// Returns when the call is over and its last webhook is answered.
    public func waitForEnd(of sid: String) async { await ledger.waitForEnd(of: sid) }
    /// Returns when no call is under way.
    public func waitUntilIdle() async { await ledger.waitUntilIdle() }
    /// Who stands behind a number.
    public func callee(at number: String) -> Callee { configuration.callees.callee(at: number) }
}

// MARK: calls

extension SimulatedTwilio {
    /// Sets where inbound calls to one of the account's numbers are asked about, as in Twilio's console.
    public func setWebhooks(of number: String, voiceURL: String, statusURL: String? = nil) {
        state.withLock { $0.inbound[number] = (Webhook(url: voiceURL), statusURL.map { Webhook(url: $0) }) }
    }

    /// Somebody calls one of our numbers. Returns the sid; throws when the number has no webhook.
    @discardableResult
    public func placeInboundCall(from: String, to: String, caller: Callee? = nil) throws -> String {
        guard let (voice, status) = state.withLock({ $0.inbound[to] }) else {
            throw SimulatorError("\(to) has no webhook: set it with setWebhooks(of:voiceURL:)")
        }
        let new = NewCall(inboundTo: to, from: from, voice: voice, status: status)
        let callee = caller ?? configuration.callees.callee(at: from)
        let call = add(new, direction: "inbound", callee: callee)
        ledger.drive(call.sid) { [driver = driver(new, call)] in
            var driver = driver
            await driver.receive()
        }
        return call.sid
    }

    private func place(_ new: NewCall) -> SimulatedCall {
        let call = add(new, direction: "outbound-api", callee: reached(at: new.to))
        ledger.drive(call.sid) { [driver = driver(new, call), gate] in
            var driver = driver
            await driver.dial(through: gate)
        }
        return call
    }

    /// Dials are counted only where it matters: that looks at every call.
    private func reached(at number: String) -> Callee {
        let callees = configuration.callees
        guard let first = callees.firstDials[number] else { return callees.callee(at: number) }
        let dials = callsByNumber[number, default: 0]
        return dials < first.count ? Callee(first[dials]) : callees.callee(at: number)
    }

    private func add(_ new: NewCall, direction: String, callee: Callee) -> SimulatedCall {
        // Random: another run on the same database must not meet the sids of this one.
        let sid = "CA" + Cryptography.randomBytes(16).hexadecimal
        let call = SimulatedCall(
            sid: sid, to: new.to, from: new.from, direction: direction, callee: callee, created: .now)
        ledger.add(call)
        return call
    }

    private func driver(_ new: NewCall, _ call: SimulatedCall) -> CallDriver {
        let sender = WebhookSender(
            http: http, authToken: configuration.authToken,
            policy: WebhookPolicy(retries: configuration.webhookRetries, readTimeout: configuration.webhookTimeout),
            retryDelay: configuration.webhookRetryDelay, faults: faults, ledger: ledger)
        let settings = CallDriver.Settings(
            speed: configuration.speed, hangUpDelay: configuration.hangUpDelay,
            maximumRedirects: configuration.maximumRedirects, callee: configuration.callees.callee)
        return CallDriver(
            new, sid: call.sid, account: accountSID, callee: call.callee, settings: settings, sender: sender)
    }
}

// MARK: the REST API

extension SimulatedTwilio: SimulatedProvider {
    func operation(of request: HTTPServerRequest) -> SimulatedOperation? {
        switch (request.method, TwilioRoute(request)) {
        case ("POST", .calls): .createCall
        case ("GET", .calls): .listCalls
        case ("GET", .call): .getCall
        case ("POST", .call): .updateCall
        case ("POST", .messages): .createMessage
        default: nil
        }
    }

    func process(_ request: HTTPServerRequest) async -> SimulatedAnswer {
        do throws(TwilioAPIError) {
            return try answer(request)
        } catch {
            let refusal = Refusal(status: error.status, code: error.code, message: error.message, path: request.path)
            state.withLock { $0.refusals.keep(refusal, atMost: 1_000) }
            return SimulatedAnswer(status: error.status, json: error.json)
        }
    }

    func failure(status: Int) -> JSON {
        status == 429
            ? TwilioAPIError(20429, "Too Many Requests", status: 429).json
            : TwilioAPIError(20500, "An internal server error has occurred", status: status).json
    }

    private func answer(_ request: HTTPServerRequest) throws(TwilioAPIError) -> SimulatedAnswer {
        try authenticate(request)
        guard let route = TwilioRoute(request), route.account == accountSID else { throw .notFound(request.path) }
        switch (request.method, route) {
        case ("GET", .account): return SimulatedAnswer(json: accountJSON)
        case ("POST", .calls):
            let new = try NewCall(form(request), numbers: configuration.numbers)
            return SimulatedAnswer(status: 201, json: place(new).json(account: accountSID))
        case ("GET", .calls):
            let shownBefore = Date.now.addingTimeInterval(-faults.plan.listLag.inSeconds)
            let list = try CallList(request.query)
            return SimulatedAnswer(json: list.answer(ledger.all, account: accountSID, shownBefore: shownBefore))
        case ("GET", .call(_, let sid)): return SimulatedAnswer(json: try known(sid, request).json(account: accountSID))
        case ("POST", .messages): return SimulatedAnswer(status: 201, json: try message(form(request)))
        case ("POST", .call(_, let sid)): return try hangUp(known(sid, request), form(request))
        default: throw .methodNotAllowed(request.path)
        }
    }

    private func message(_ form: FormFields) throws(TwilioAPIError) -> JSON {
        if let unknown = form.fields.first(where: { !["To", "From", "Body"].contains($0.name) }) {
            throw .invalid(unknown.name, unknown.value)
        }
        let to = form["To"] ?? ""
        guard to.wholeMatch(of: /\+[1-9][0-9]{6,14}/) != nil else {
            throw TwilioAPIError(21211, "Invalid 'To' Phone Number: \(to)")
        }
        guard let from = form["From"], configuration.numbers.contains(from) else {
            throw TwilioAPIError(21606, "The 'From' phone number provided is not a valid, message-capable number.")
        }
        guard let body = form["Body"], !body.isEmpty else { throw TwilioAPIError(21602, "Message body is required.") }
        guard body.utf16.count <= 1_600 else {
            throw TwilioAPIError(21617, "The concatenated message body exceeds the 1600 character limit.")
        }
        let message = TextMessage(to: to, from: from, body: body)
        let count = state.withLock { state in
            state.messages.keep(message, atMost: 1_000)
            return state.messages.count
        }
        return [
            "sid": .string("SM" + String(repeating: "0", count: 28) + String(count + 1_000)), "status": "queued",
            "account_sid": .string(accountSID), "to": .string(to), "from": .string(from), "body": .string(body),
        ]
    }

    private var accountJSON: JSON {
        ["sid": .string(accountSID), "friendly_name": "Simulated", "status": "active", "type": "Full"]
    }

    private func authenticate(_ request: HTTPServerRequest) throws(TwilioAPIError) {
        let credentials = Data("\(configuration.accountSID):\(configuration.authToken)".utf8).base64EncodedString()
        guard request.headers["Authorization"] == "Basic \(credentials)" else { throw .authenticate }
    }

    private func form(_ request: HTTPServerRequest) throws(TwilioAPIError) -> FormFields {
        guard request.headers["Content-Type"]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true
        else { throw TwilioAPIError(20006, "Unsupported content type: a form is expected", status: 415) }
        return request.form
    }

    private func known(_ sid: String, _ request: HTTPServerRequest) throws(TwilioAPIError) -> SimulatedCall {
        guard let call = ledger[sid] else { throw .notFound(request.path) }
        return call
    }

    /// `Status=completed` ends any call, `Status=canceled` only one that is not answered yet.
    private func hangUp(_ call: SimulatedCall, _ form: FormFields) throws(TwilioAPIError) -> SimulatedAnswer {
        let status = form["Status"] ?? ""
        guard ["completed", "canceled"].contains(status), form.fields.count == 1 else {
            throw .invalid("Status", status)
        }
        guard !call.status.isFinal else { throw TwilioAPIError(21220, "Call is not in-progress. Cannot redirect.") }
        if status == "completed" || call.status != .inProgress { ledger.interrupt(call.sid) }
        return SimulatedAnswer(json: call.json(account: accountSID))
    }
}

/// The paths of the API that are simulated.
enum TwilioRoute: Hashable {
    case account(String)
    case calls(account: String)
    case call(account: String, sid: String)
    case messages(account: String)

    init?(_ request: HTTPServerRequest) {
        if let account = request.path.wholeMatch(of: /\/2010-04-01\/Accounts\/(\w+)\.json/)?.output.1 {
            self = .account(String(account))
            return
        }
        if let account = request.path.wholeMatch(of: /\/2010-04-01\/Accounts\/(\w+)\/Messages\.json/)?.output.1 {
            self = .messages(account: String(account))
            return
        }
        guard let match = request.path.wholeMatch(of: /\/2010-04-01\/Accounts\/(\w+)\/Calls(?:\/(\w+))?\.json/)?.output
        else { return nil }
        let account = String(match.1)
        self = match.2.map { .call(account: account, sid: String($0)) } ?? .calls(account: account)
    }

    var account: String {
        switch self {
        case .account(let account), .calls(let account), .call(let account, _), .messages(let account): account
        }
    }
}
