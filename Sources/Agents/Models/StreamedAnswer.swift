import HTTP

/// Reads one streamed answer, event by event, as its consumer asks for them.
actor StreamedAnswer {
    typealias Open = @Sendable () -> AsyncThrowingStream<ServerSentEvent, any Error>

    struct Retry: Sendable {
        var budget: RetryBudget
        let sleep: @Sendable (Duration) async throws -> Void
    }

    private let request: ModelRequest
    private let open: Open
    private var retry: Retry
    private var events: AsyncThrowingStream<ServerSentEvent, any Error>.AsyncIterator?
    private var answer = ChatCompletionsStream()
    private var hasStarted = false
    private var hasFinished = false

    init(_ request: ModelRequest, open: @escaping Open, retry: Retry) {
        self.request = request
        self.open = open
        self.retry = retry
    }

    /// The next event, or nil after `.finished`.
    func next() async throws -> ModelEvent? {
        while !hasFinished {
            do {
                return try await read()
            } catch let error as ModelError {
                guard !hasStarted else { throw error }
                let wait = retry.budget.wait(after: error, now: .now, random: .random(in: 0...1))
                guard let wait else { throw error }
                events = nil
                answer = ChatCompletionsStream()
                try await retry.sleep(wait)
            }
        }
        return nil
    }

    private func read() async throws -> ModelEvent {
        while true {
            switch try await step() {
            case .more: continue
            case .text(let piece):
                hasStarted = true
                return .text(piece)
            case .finished(let response):
                try request.check(response)
                hasFinished = true
                events = nil
                return .finished(response)
            }
        }
    }

    private func step() async throws -> ChatCompletionsStream.Step {
        do {
            guard let event = try await nextEvent() else { return .finished(try answer.end()) }
            return try answer.receive(event.data)
        } catch let error as HTTPStatusError {
            throw ChatCompletionsAnswer.error(error.response)
        } catch let error as HTTPError {
            throw ChatCompletionsAnswer.error(error)
        }
    }

    private func nextEvent() async throws -> ServerSentEvent? {
        var iterator = events ?? open().makeAsyncIterator()
        // An iterator is a reference to its stream: the copy kept here reads on where this one stopped.
        events = iterator
        return try await iterator.next(isolation: self)
    }
}
