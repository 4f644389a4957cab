public import HTTP
import Platform
import Synchronization

/// The functions of `baml_src/`, served by `baml-cli serve` (package `baml-py`, 0.226): `POST /call/{Function}` with the
/// arguments as an object.
///
/// The prompts, the model, its temperature and its token limits stand in `baml_src/`: `ModelRequest.model`, `temperature` and
/// `maximumTokens` are not sent. The server does not say how many tokens it used: `usage` is an estimate, four bytes of what
/// is sent and of what comes back to a token, as `Memory.estimatedTokens` has it. Requests are retried by
/// `configuration.retry` inside `ModelRequest.timeout`. The password travels in a header alone.
public struct BAMLModel: LanguageModel {
    public struct Configuration: Sendable {
        /// Without a slash at the end; `/call/…` is added.
        public var baseURL = "http://127.0.0.1:2024"
        /// The server's `BAML_PASSWORD`; nil sends none.
        public var password: String?
        /// The function that answers a response schema, by the schema's name; other schemas go to `AnswerBySchema` as text.
        public var functions: [String: String] = [:]
        /// The longest that one attempt may take.
        public var attemptTimeout: Duration = .seconds(20)
        public var retry = ModelRetryConfiguration()
        public init() {}

        /// All that a server must have.
        public var neededFunctions: Set<String> { Set(functions.values).union([BAMLCall.turn, BAMLCall.bySchema]) }
    }

    private let configuration: Configuration
    private let client: HTTPClient
    /// Waits between attempts; tests give their own clock.
    private let sleep: @Sendable (Duration) async throws -> Void

    public init(_ configuration: Configuration, client: HTTPClient) {
        self.init(configuration, client: client, sleep: { try await Task.sleep(for: $0) })
    }

    init(
        _ configuration: Configuration, client: HTTPClient,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.configuration = configuration
        self.client = client
        self.sleep = sleep
    }

    public func respond(to request: ModelRequest) async throws -> ModelResponse {
        let deadline = ContinuousClock.now + request.timeout
        guard let (name, schema) = request.responseSchema else { return try await turn(request, deadline) }
        // A function has one form of answer: whether tools are wanted is asked before the answer in its own form.
        if request.mayCallTools, !request.tools.isEmpty {
            let response = try await turn(request, deadline)
            guard response.toolCalls.isEmpty else { return response }
        }
        let function = configuration.functions[name]
        let call = BAMLCall(
            function: function ?? BAMLCall.bySchema, messages: request.messages,
            arguments: function == nil ? ["schema": .string(schema.text)] : [:])
        return try await perform(call, deadline) { answer throws(ModelError) in
            let response = ModelResponse(text: answer.text)
            try request.check(response)
            return response
        }
    }

    /// The whole answer as one piece of text. The server's own `/stream` says nothing of a failure and nothing of the end: what
    /// was cut looks like what is complete.
    public func stream(_ request: ModelRequest) -> AsyncThrowingStream<ModelEvent, any Error> {
        let events = Mutex<[ModelEvent]?>(nil)
        return AsyncThrowingStream {
            if events.withLock({ $0 == nil }) {
                let response = try await self.respond(to: request)
                let text = response.text.map { [ModelEvent.text($0)] } ?? []
                events.withLock { $0 = text + [.finished(response)] }
            }
            return events.withLock { $0?.isEmpty == false ? $0?.removeFirst() : nil }
        }
    }

    private func turn(
        _ request: ModelRequest, _ deadline: ContinuousClock.Instant
    ) async throws -> ModelResponse {
        let call = BAMLCall(
            function: BAMLCall.turn, messages: request.messages,
            arguments: [
                "tools": .string(JSON.array(request.tools.map(BAMLCall.tool)).text),
                "may_call_tools": .bool(request.mayCallTools),
            ])
        return try await perform(call, deadline) { answer throws(ModelError) in
            var response = try BAMLAnswer.reply(answer)
            if !request.mayCallTools { response.toolCalls = [] }
            return response
        }
    }

    private func perform(
        _ call: BAMLCall, _ deadline: ContinuousClock.Instant,
        _ read: @Sendable (JSON) throws(ModelError) -> ModelResponse
    ) async throws -> ModelResponse {
        try await configuration.retry.run(until: deadline, sleep: sleep) {
            var usage = ModelUsage(promptTokens: Self.tokens(call.body))
            do {
                let answer = try await attempt(call, deadline)
                usage.completionTokens = Self.tokens(answer)
                var response = try read(answer)
                response.usage = usage
                return response
            } catch var error as ModelError {
                // An answer that is not as it must be was written all the same.
                error.rejected?.usage = usage
                throw error
            }
        }
    }

    private static func tokens(_ json: JSON) -> Int { json.bytes.count / 4 }

    private func attempt(_ call: BAMLCall, _ deadline: ContinuousClock.Instant) async throws -> JSON {
        var request = HTTPClientRequest(.post, "\(configuration.baseURL)/call/\(call.function)", json: call.body)
        request.headers["Accept"] = "application/json"
        request.headers["x-baml-api-key"] = configuration.password
        request.timeout = max(.milliseconds(1), min(configuration.attemptTimeout, deadline - .now))
        let response: HTTPClientResponse
        do {
            response = try await client.send(request)
        } catch let error as HTTPError {
            throw ChatCompletionsAnswer.error(error)
        }
        guard (200..<300).contains(response.status) else { throw BAMLAnswer.error(response) }
        guard let answer = try? response.json() else {
            throw ModelError(.invalidAnswer, "the answer is not JSON", status: response.status)
        }
        return answer
    }
}
