public import Platform

/// The cycle of an agent: ask the model, execute the tools that it calls, ask again, until it answers in words.
///
/// Without state of its own: the conversation is given to it, and what it adds is returned. Each tool call is reported as
/// it ends, so that a caller can make it durable before the model learns of it.
public struct AgentLoop: Sendable {
    public typealias Observer = @Sendable (AgentEvent) async throws -> Void

    public var model: any LanguageModel
    public var executor: ToolExecutor
    public var limits: AgentLimits
    /// Nil is the model's own default.
    public var temperature: Double?
    public var maximumTokens: Int?
    /// Whether answers are read as they are written; then `AgentEvent.text` is reported.
    public var isStreaming = false
    private let logger: Logger

    public init(
        model: any LanguageModel, executor: ToolExecutor, limits: AgentLimits = AgentLimits(), logger: Logger
    ) {
        self.model = model
        self.executor = executor
        self.limits = limits
        self.logger = logger
    }

    /// Runs until the model has answered, or something stops it; see `AgentRun.stop`.
    ///
    /// - Parameter observe: What it throws is thrown, and ends the run.
    /// - Throws: What `observe` throws, and `CancellationError`. A model that fails does not throw.
    public func run(_ conversation: [Message], observe: @escaping Observer = { _ in }) async throws -> AgentRun {
        let deadline = ContinuousClock.now + limits.timeout
        var rounds = AgentRounds(limits: limits)
        var run = AgentRun(stop: .outOfTime)
        while true {
            let step: AgentRounds.Step
            do {
                let response = try await ask(conversation, rounds, &run, until: deadline, observe)
                step = rounds.next(after: response)
                try await perform(step, of: response, &run, until: deadline, observe)
            } catch let error as ModelError {
                run.stop = ContinuousClock.now >= deadline ? .outOfTime : .modelFailed(error)
                return try await finish(run, observe)
            }
            switch step {
            case .askAgain: continue
            case .execute where run.stop != .ended: continue
            case .execute, .answer, .stop: return try await finish(run, observe)
            }
        }
    }

    private func perform(
        _ step: AgentRounds.Step, of response: ModelResponse, _ run: inout AgentRun,
        until deadline: ContinuousClock.Instant, _ observe: @escaping Observer
    ) async throws {
        switch step {
        case .askAgain: break
        case .stop(let stop): run.stop = stop
        case .answer(let text):
            run.stop = .answered
            run.text = text
            run.messages.append(.assistant(text))
        case .execute(let calls):
            let executions = try await execute(calls, until: deadline, observe)
            run.messages.append(.assistant(response.text, toolCalls: calls))
            run.messages += executions.map(\.message)
            run.executions += executions
            // The goodbye stands beside the call that hangs up: another round would only make the caller wait. Unless
            // something else failed in this round, which those words could not know yet.
            if executions.contains(where: \.endsConversation), executions.allSatisfy(\.result.success) {
                run.stop = .ended
                run.text = response.text
            }
        }
    }

    private func ask(
        _ conversation: [Message], _ rounds: AgentRounds, _ run: inout AgentRun,
        until deadline: ContinuousClock.Instant, _ observe: Observer
    ) async throws -> ModelResponse {
        try Task.checkCancellation()
        var request = ModelRequest(messages: conversation + run.messages, tools: executor.registry.descriptions)
        request.mayCallTools = rounds.mayCallTools
        request.temperature = temperature
        request.maximumTokens = maximumTokens
        request.timeout = deadline - .now
        guard request.timeout > .zero else { throw ModelError(.timeout, "no time is left for another answer") }
        let start = ContinuousClock.now
        run.modelCalls += 1
        defer { run.modelTime += .now - start }
        do {
            let response = try await isStreaming ? read(model.stream(request), observe) : model.respond(to: request)
            run.usage += response.usage
            return response
        } catch let error as ModelError {
            logger.warning("model failed", metadata: ["code": error.code.rawValue, "error": "\(error)"])
            throw error
        }
    }

    private func read(
        _ events: AsyncThrowingStream<ModelEvent, any Error>, _ observe: Observer
    ) async throws -> ModelResponse {
        for try await event in events {
            switch event {
            case .text(let piece): try await observe(.text(piece))
            case .finished(let response): return response
            }
        }
        try Task.checkCancellation()
        throw ModelError(.truncated, "the stream ended without an answer")
    }

    private func execute(
        _ calls: [ToolCall], until deadline: ContinuousClock.Instant, _ observe: @escaping Observer
    ) async throws -> [ToolExecution] {
        for call in calls { try await observe(.toolStarted(call)) }
        return try await executor.execute(calls, until: deadline) { try await observe(.toolEnded($0)) }
    }

    private func finish(_ run: AgentRun, _ observe: Observer) async throws -> AgentRun {
        logger.debug(
            "agent run ended",
            metadata: [
                "stop": "\(run.stop)", "model_calls": "\(run.modelCalls)", "model_time": "\(run.modelTime)",
                "tool_calls": "\(run.executions.count)",
            ])
        try await observe(.finished(run))
        return run
    }
}
