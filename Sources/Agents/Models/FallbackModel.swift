public import Platform

/// Several models in order: what one cannot answer the next is asked.
///
/// Whatever made a model fail, the next may be well: another server, another account, another limit. The request's time is
/// shared: each model has an equal part of what is left, the last one all of it. A stream changes to the next model only until
/// its first event. `ModelRequest.model` names a model of the first one alone.
public struct FallbackModel: LanguageModel {
    private let models: [any LanguageModel]
    private let logger: Logger

    public init(_ first: any LanguageModel, _ others: any LanguageModel..., logger: Logger) {
        models = [first] + others
        self.logger = logger
    }

    public func respond(to request: ModelRequest) async throws -> ModelResponse {
        let deadline = ContinuousClock.now + request.timeout
        for (position, model) in models.dropLast().enumerated() {
            do {
                return try await model.respond(to: share(of: request, position, until: deadline))
            } catch let error as ModelError {
                log(error, position)
            }
        }
        return try await models[models.count - 1].respond(to: share(of: request, models.count - 1, until: deadline))
    }

    public func stream(_ request: ModelRequest) -> AsyncThrowingStream<ModelEvent, any Error> {
        let answer = Answer(self, request, until: .now + request.timeout)
        return AsyncThrowingStream { try await answer.next() }
    }

    private func share(
        of request: ModelRequest, _ position: Int, until deadline: ContinuousClock.Instant
    ) -> ModelRequest {
        var request = request
        request.timeout = (deadline - .now) / (models.count - position)
        if position > 0 { request.model = nil }
        return request
    }

    private func log(_ error: ModelError, _ position: Int) {
        logger.warning(
            "model failed, the next one is asked",
            metadata: ["model": "\(position + 1) of \(models.count)", "code": error.code.rawValue, "error": "\(error)"])
    }

    private actor Answer {
        private let fallback: FallbackModel
        private let request: ModelRequest
        private let deadline: ContinuousClock.Instant
        private var position = 0
        private var hasStarted = false
        private var events: AsyncThrowingStream<ModelEvent, any Error>.AsyncIterator?

        init(_ fallback: FallbackModel, _ request: ModelRequest, until deadline: ContinuousClock.Instant) {
            self.fallback = fallback
            self.request = request
            self.deadline = deadline
        }

        func next() async throws -> ModelEvent? {
            while true {
                do {
                    var iterator = events ?? open()
                    // An iterator is a reference to its stream: the copy kept here reads on where this one stopped.
                    events = iterator
                    let event = try await iterator.next(isolation: self)
                    hasStarted = true
                    return event
                } catch let error as ModelError {
                    guard !hasStarted, position + 1 < fallback.models.count else { throw error }
                    fallback.log(error, position)
                    position += 1
                    events = nil
                }
            }
        }

        private func open() -> AsyncThrowingStream<ModelEvent, any Error>.AsyncIterator {
            fallback.models[position].stream(fallback.share(of: request, position, until: deadline)).makeAsyncIterator()
        }
    }
}
