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
    /// The name of the model to ask, where the server has several.
    public var modelName: String?
    /// Nil is the model's own default.
    public var temperature: Double?
    public var maximumTokens: Int?
    /// Whether answers are read as they are written; then `AgentEvent.text` is reported.
    public var isStreaming = false
    /// A JSON Schema, with a name, that the final answer must satisfy. One that does not is handed back to the model with what
    /// is wrong, `maximumRepairs` times, then the model has failed.
    public var responseSchema: (name: String, schema: JSON)?
    public var maximumRepairs = 1
    public var prices = ModelPrices()
    private var logger: Logger

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
    /// - Parameters:
    ///   - earlier: Tool calls that belong to this run and were executed before it; see `ToolExecutor.execute`.
    ///   - observe: What it throws is thrown, and ends the run.
    /// - Throws: What `observe` throws, and `CancellationError`. A model that fails does not throw.
    public func run(
        _ conversation: [Message], earlier: [ToolExecution] = [], observe: @escaping Observer = { _ in }
    ) async throws -> AgentRun {
        var loop = self
        loop.nameRun()
        var progress = Progress(conversation, earlier, limits)
        while true {
            do {
                let response = try await loop.ask(&progress, observe)
                let step = progress.rounds.next(after: response)
                guard try await loop.perform(step, of: response, &progress, observe) else { break }
            } catch let error as ModelError {
                if progress.correct(error, isStructured: responseSchema != nil, maximumRepairs) { continue }
                progress.run.stop = ContinuousClock.now >= progress.deadline ? .outOfTime : .modelFailed(error)
                break
            }
        }
        return try await loop.finish(progress.run, observe)
    }

    /// Every line that the log has of this run carries its name.
    private mutating func nameRun() {
        let name = String(UInt64.random(in: 0 ... .max), radix: 36)
        logger[metadataKey: "run"] = name
        executor.logger[metadataKey: "run"] = name
    }

    /// Where a run stands.
    private struct Progress {
        let conversation: [Message]
        let earlier: [ToolExecution]
        let deadline: ContinuousClock.Instant
        var rounds: AgentRounds
        var run = AgentRun(stop: .outOfTime)
        /// Invalid answers, and what the model was told of them: not part of the conversation.
        var corrections: [Message] = []
        var repairs = 0

        init(_ conversation: [Message], _ earlier: [ToolExecution], _ limits: AgentLimits) {
            self.conversation = conversation
            self.earlier = earlier
            deadline = .now + limits.timeout
            rounds = AgentRounds(limits: limits)
        }

        /// Whether the model is to be asked again, since its answer was not as it must be.
        mutating func correct(_ error: ModelError, isStructured: Bool, _ maximumRepairs: Int) -> Bool {
            guard isStructured, repairs < maximumRepairs, let correction = error.correction else { return false }
            repairs += 1
            corrections += correction
            return true
        }
    }

    // MARK: the model

    private func ask(_ progress: inout Progress, _ observe: Observer) async throws -> ModelResponse {
        try Task.checkCancellation()
        let request = request(progress)
        guard request.timeout > .zero else { throw ModelError(.timeout, "no time is left for another answer") }
        let start = ContinuousClock.now
        progress.run.modelCalls += 1
        defer { progress.run.modelTime += .now - start }
        logger.debug(
            "model asked",
            metadata: [
                "round": "\(progress.rounds.rounds + 1)", "messages": "\(request.messages.count)",
                "may_call_tools": "\(request.mayCallTools)",
            ])
        do {
            let response = try await isStreaming ? read(model.stream(request), observe) : model.respond(to: request)
            try request.check(response)
            progress.run.count(response, asked: modelName, prices)
            log(response, after: .now - start)
            return response
        } catch let error as ModelError {
            if let rejected = error.rejected { progress.run.count(rejected, asked: modelName, prices) }
            logger.warning("model failed", metadata: ["code": error.code.rawValue, "error": "\(error)"])
            throw error
        }
    }

    private func request(_ progress: Progress) -> ModelRequest {
        var request = ModelRequest(
            messages: progress.conversation + progress.run.messages + progress.corrections,
            tools: executor.registry.descriptions)
        request.mayCallTools = progress.rounds.mayCallTools
        request.model = modelName
        request.temperature = temperature
        request.maximumTokens = maximumTokens
        request.responseSchema = responseSchema
        request.timeout = progress.deadline - .now
        return request
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

    // MARK: what follows

    /// Returns whether the model is to be asked again.
    private func perform(
        _ step: AgentRounds.Step, of response: ModelResponse, _ progress: inout Progress, _ observe: @escaping Observer
    ) async throws -> Bool {
        switch step {
        case .askAgain: return true
        case .stop(let stop): progress.run.stop = stop
        case .answer(let text):
            progress.run.stop = .answered
            progress.run.text = text
            progress.run.messages.append(.assistant(text))
        case .execute(let calls):
            for call in calls { try await observe(.toolStarted(call)) }
            let executions = try await executor.execute(
                calls, until: progress.deadline, earlier: progress.earlier + progress.run.executions
            ) { try await observe(.toolEnded($0)) }
            progress.run.messages.append(.assistant(response.text, toolCalls: calls))
            progress.run.messages += executions.map(\.message)
            progress.run.executions += executions
            // The goodbye stands beside the call that hangs up: another round would only make the caller wait. Unless
            // something else failed in this round, which those words could not know yet.
            guard executions.contains(where: \.endsConversation), executions.allSatisfy(\.result.success) else {
                return true
            }
            progress.run.stop = .ended
            progress.run.text = response.text
        }
        return false
    }

    private func finish(_ run: AgentRun, _ observe: Observer) async throws -> AgentRun {
        logger.debug(
            "agent run ended",
            metadata: [
                "stop": "\(run.stop)", "model_calls": "\(run.modelCalls)", "model_time": "\(run.modelTime)",
                "tool_calls": "\(run.executions.count)", "prompt_tokens": "\(run.usage.promptTokens)",
                "completion_tokens": "\(run.usage.completionTokens)", "cost": run.cost.map { "\($0)" } ?? "unknown",
            ])
        try await observe(.finished(run))
        return run
    }

    private func log(_ response: ModelResponse, after time: Duration) {
        logger.debug(
            "model answered",
            metadata: [
                "model": response.model ?? modelName ?? "unknown", "duration": "\(time)",
                "finish_reason": response.finishReason,
                "tool_calls": "\(response.toolCalls.count)", "prompt_tokens": "\(response.usage.promptTokens)",
                "completion_tokens": "\(response.usage.completionTokens)",
            ])
    }
}
