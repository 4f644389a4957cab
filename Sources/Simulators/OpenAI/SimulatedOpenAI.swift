import FoundationEssentials
import HTTP
public import Platform
import Synchronization

/// OpenAI's Chat Completions over HTTP, with a rule-based model behind it.
///
/// Requests are checked as strictly as OpenAI checks them. The answer depends on the messages alone: the same request
/// always gets the same answer. Safe to use from any task.
public final class SimulatedOpenAI: Sendable {
    public struct Configuration: Sendable {
        /// The one key that is accepted.
        public var apiKey = "sk-simulated"
        /// What `GET /v1/models` lists and requests may name.
        public var models = ["gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini"]
        /// How long each answer takes, before its first byte.
        public var thinkTime: Duration = .zero
        /// 0 picks a free port.
        public var port = 0
        /// What answers; the sales agent by default.
        public var answer: @Sendable (ChatPrompt) -> ChatAnswer = SalesModel.answer(to:)
        public init() {}
    }

    /// A request that was refused.
    public struct Refusal: Sendable, Hashable {
        public var status: Int
        public var message: String
        public var param: String?
    }

    /// A request that was answered.
    public struct Exchange: Sendable {
        public var prompt: ChatPrompt
        public var answer: ChatAnswer
        public var isStreaming: Bool
    }

    private struct State {
        var answered = 0
        var refusals: [Refusal] = []
        /// The latest, so that a long run does not fill the memory.
        var exchanges: [Exchange] = []
    }

    private static let keptExchanges = 512

    public let faults: FaultSwitch
    private let configuration: Configuration
    private let server: SimulatorServer
    private let state = Mutex(State())

    public init(configuration: Configuration = Configuration(), faults: FaultPlan = .none, logger: Logger) {
        self.configuration = configuration
        self.faults = FaultSwitch(faults)
        server = SimulatorServer(faults: self.faults, logger: logger)
    }

    /// Starts to serve; returns the base URL, to be given as `OPENAI_BASE_URL`: "http://127.0.0.1:port/v1".
    public func start() throws -> String { try server.start(self, port: configuration.port) + "/v1" }
    public func stop() async { await server.stop() }

    public var apiKey: String { configuration.apiKey }
    /// How many completions were answered.
    public var answeredRequests: Int { state.withLock(\.answered) }
    /// Requests that were refused, faults not counted.
    public var refusals: [Refusal] { state.withLock(\.refusals) }
    /// The latest 512 requests with their answers.
    public var exchanges: [Exchange] { state.withLock(\.exchanges) }
}

extension SimulatedOpenAI: SimulatedProvider {
    func operation(of request: HTTPServerRequest) -> SimulatedOperation? {
        switch (request.method, request.path) {
        case ("POST", "/v1/chat/completions"): .chatCompletion
        case ("GET", "/v1/models"): .listModels
        default: nil
        }
    }

    func process(_ request: HTTPServerRequest) async -> SimulatedAnswer {
        do throws(OpenAIError) {
            try authenticate(request)
            switch (request.method, request.path) {
            case ("GET", "/v1/models"): return SimulatedAnswer(json: modelList)
            case ("POST", "/v1/chat/completions"): return try await complete(request)
            case (let method, "/v1/models"), (let method, "/v1/chat/completions"): throw .notAllowed(method)
            case (let method, let path): throw .noSuchPath(method, path)
            }
        } catch {
            let refusal = Refusal(status: error.status, message: error.message, param: error.param)
            state.withLock { $0.refusals.keep(refusal, atMost: Self.keptExchanges) }
            return SimulatedAnswer(status: error.status, json: error.json)
        }
    }

    func failure(status: Int) -> JSON {
        var error = OpenAIError("The server had an error while processing your request. Sorry about that!")
        error.type = "server_error"
        if status == 429 {
            error = OpenAIError("Rate limit reached for requests. Please try again later.", code: "rate_limit_exceeded")
            error.type = "requests"
        }
        return error.json
    }

    private func authenticate(_ request: HTTPServerRequest) throws(OpenAIError) {
        guard let header = request.headers["Authorization"], header.lowercased().hasPrefix("bearer ") else {
            throw .noKey
        }
        guard header.dropFirst("bearer ".count) == configuration.apiKey else { throw .wrongKey }
    }

    private func complete(_ request: HTTPServerRequest) async throws(OpenAIError) -> SimulatedAnswer {
        guard let body = try? request.json() else { throw .notJSON }
        let chat = try ChatRequest(body)
        guard configuration.models.contains(chat.prompt.model) else { throw .noSuchModel(chat.prompt.model) }
        let answer = configuration.answer(chat.prompt)
        if configuration.thinkTime > .zero { try? await Task.sleep(for: configuration.thinkTime) }
        state.withLock {
            $0.answered += 1
            let exchange = Exchange(prompt: chat.prompt, answer: answer, isStreaming: chat.isStreaming)
            $0.exchanges.keep(exchange, atMost: Self.keptExchanges)
        }
        let now = Int64(Date.now.timeIntervalSince1970)
        let completion = ChatCompletion(answer, to: chat, requestText: body.text, created: now)
        guard chat.isStreaming else { return SimulatedAnswer(json: completion.json) }
        return SimulatedAnswer(
            headers: ["Content-Type": "text/event-stream; charset=utf-8"], pieces: completion.events)
    }

    private var modelList: JSON {
        let models = configuration.models.map { name -> JSON in
            ["id": .string(name), "object": "model", "created": 1_700_000_000, "owned_by": "system"]
        }
        return ["object": "list", "data": .array(models)]
    }
}
