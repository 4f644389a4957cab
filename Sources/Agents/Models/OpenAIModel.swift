public import HTTP
import Platform

/// Any server that speaks OpenAI's Chat Completions.
///
/// Requests are retried by `configuration.retry` inside `ModelRequest.timeout`. The key travels in the Authorization
/// header alone: it is in no error and no log.
public struct OpenAIModel: LanguageModel {
    public struct Configuration: Sendable {
        /// Without a slash at the end; `/chat/completions` is added.
        public var baseURL = "https://api.openai.com/v1"
        /// Nil sends no Authorization header.
        public var apiKey: String?
        public var model: String
        /// The longest that one attempt may take: a server that hangs leaves time for another try.
        public var attemptTimeout: Duration = .seconds(20)
        public var retry = ModelRetryConfiguration()

        public init(model: String, apiKey: String?) {
            self.model = model
            self.apiKey = apiKey
        }
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
        let body = ChatCompletionsRequest.body(request, model: request.model ?? configuration.model, isStreaming: false)
        let deadline = ContinuousClock.now + request.timeout
        return try await configuration.retry.run(until: deadline, sleep: sleep) {
            let response = try await attempt(httpRequest(body, deadline: deadline))
            try request.check(response)
            return response
        }
    }

    /// Retried only until the first event has arrived: what was passed on cannot be taken back.
    public func stream(_ request: ModelRequest) -> AsyncThrowingStream<ModelEvent, any Error> {
        let answer = StreamedAnswer(request, open: open(request), retry: retryOfStream(request))
        return AsyncThrowingStream { try await answer.next() }
    }

    private func attempt(_ request: HTTPClientRequest) async throws -> ModelResponse {
        let response: HTTPClientResponse
        do {
            response = try await client.send(request)
        } catch let error as HTTPError {
            throw ChatCompletionsAnswer.error(error)
        }
        guard (200..<300).contains(response.status) else { throw ChatCompletionsAnswer.error(response) }
        guard let body = try? response.json() else {
            throw ModelError(.invalidAnswer, "the answer is not JSON", status: response.status)
        }
        return try ChatCompletionsAnswer.response(body)
    }

    private func httpRequest(_ body: JSON, deadline: ContinuousClock.Instant) -> HTTPClientRequest {
        var request = HTTPClientRequest(.post, configuration.baseURL + "/chat/completions", json: body)
        request.headers["Accept"] = "application/json"
        if let key = configuration.apiKey { request.headers["Authorization"] = "Bearer \(key)" }
        request.timeout = max(.milliseconds(1), min(configuration.attemptTimeout, deadline - .now))
        return request
    }

    /// Sends the streaming request; each call is one attempt.
    private func open(_ request: ModelRequest) -> StreamedAnswer.Open {
        let body = ChatCompletionsRequest.body(request, model: request.model ?? configuration.model, isStreaming: true)
        let deadline = ContinuousClock.now + request.timeout
        return { [self] in
            var request = httpRequest(body, deadline: deadline)
            request.headers["Accept"] = "text/event-stream"
            // An answer may be read for as long as the request has; only the other attempts are kept short.
            request.timeout = max(.milliseconds(1), deadline - .now)
            return client.events(request)
        }
    }

    private func retryOfStream(_ request: ModelRequest) -> StreamedAnswer.Retry {
        let budget = RetryBudget(deadline: .now + request.timeout, configuration: configuration.retry)
        return StreamedAnswer.Retry(budget: budget, sleep: sleep)
    }
}
