import HTTP
public import Platform
import Synchronization

/// The router question API over HTTP: `POST /query` and `GET /health`. Strict: a request of another shape is refused.
///
/// Safe to use from any task.
public final class SimulatedMikroTik: Sendable {
    public struct Question: Sendable, Hashable {
        public var text: String
        /// Seconds.
        public var timeout: Double

        public init(text: String, timeout: Double) {
            self.text = text
            self.timeout = timeout
        }
    }

    /// What the API says of a question.
    public struct Reply: Sendable, Hashable {
        public var success: Bool
        public var response: String
        public init(success: Bool = true, _ response: String) {
            self.success = success
            self.response = response
        }
    }

    private struct State {
        var questions: [Question] = []
        var isHealthy = true
    }

    public let faults: FaultSwitch
    private let server: SimulatorServer
    private let reply: @Sendable (String) async -> Reply
    private let state = Mutex(State())

    /// - Parameter reply: what is answered; by default a network of three routers.
    public init(
        faults: FaultPlan = .none, logger: Logger,
        reply: @escaping @Sendable (String) async -> Reply = { SimulatedNetwork.reply(to: $0) }
    ) {
        self.faults = FaultSwitch(faults)
        self.reply = reply
        server = SimulatorServer(faults: self.faults, logger: logger)
    }

    /// Starts to serve; returns the base URL, to be given as `MIKROTIK_API_URL`: "http://127.0.0.1:port".
    public func start(port: Int = 0) throws -> String { try server.start(self, port: port) }

    public func stop() async { await server.stop() }

    /// Those that were well formed: the latest 1,000.
    public var questions: [Question] { state.withLock(\.questions) }

    /// What `/health` says.
    public var isHealthy: Bool {
        get { state.withLock(\.isHealthy) }
        set { state.withLock { $0.isHealthy = newValue } }
    }
}

extension SimulatedMikroTik: SimulatedProvider {
    func operation(of request: HTTPServerRequest) -> SimulatedOperation? {
        switch (request.method, request.path) {
        case ("POST", "/query"): .routerQuestion
        case ("GET", "/health"): .routerHealth
        default: nil
        }
    }

    func process(_ request: HTTPServerRequest) async -> SimulatedAnswer {
        switch (request.method, request.path) {
        case ("POST", "/query"): return await answer(request)
        case ("GET", "/health"):
            guard isHealthy else { return SimulatedAnswer(status: 503, json: ["status": "error"]) }
            return SimulatedAnswer(json: ["status": "ok", "service": "MikroTik API", "version": "1.0"])
        case (_, "/query"), (_, "/health"): return refusal(405, "method not allowed")
        default: return refusal(404, "not found")
        }
    }

    func failure(status: Int) -> JSON { ["success": false, "response": "Error \(status)"] }

    private func refusal(_ status: Int, _ reason: String) -> SimulatedAnswer {
        SimulatedAnswer(status: status, json: ["success": false, "error": .string(reason)])
    }

    private func answer(_ request: HTTPServerRequest) async -> SimulatedAnswer {
        guard request.headers["Content-Type"]?.lowercased().hasPrefix("application/json") == true else {
            return refusal(415, "Content-Type must be application/json")
        }
        guard let members = (try? request.json())?.object else { return refusal(400, "the body must be a JSON object") }
        guard let text = members["question"]?.string, (1...500).contains(text.count),
            text.contains(where: { !$0.isWhitespace })
        else { return refusal(422, "question must be a text of 1 to 500 characters") }
        guard let timeout = members["timeout"]?.number, timeout > 0, timeout <= 60 else {
            return refusal(422, "timeout must be a number of seconds, at most 60")
        }
        guard members.count == 2 else { return refusal(422, "only question and timeout are known") }
        state.withLock { $0.questions.keep(Question(text: text, timeout: timeout), atMost: 1_000) }
        let reply = await reply(text)
        return SimulatedAnswer(json: ["success": .bool(reply.success), "response": .string(reply.response)])
    }
}
