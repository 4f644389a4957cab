import Agents
import FoundationEssentials
import Platform

/// Answers what a caller said with the model and the tools, within the turn's time.
struct TurnThinking: Sendable {
    private let services: CallServices
    private let records: TurnRecords
    private let state: TurnState
    /// Of the utterance that is being thought about.
    private let number: Int
    private let deadline: ContinuousClock.Instant
    private let options: TurnOptions

    init(
        _ services: CallServices, _ state: TurnState, number: Int, deadline: ContinuousClock.Instant,
        _ options: TurnOptions = TurnOptions()
    ) {
        var services = services
        // Every line of the log about this turn names it, as `tool_calls` does.
        services.logger[metadataKey: "call"] = state.call.key
        services.logger[metadataKey: "turn"] = "\(number)"
        self.services = services
        self.records = TurnRecords(services)
        self.state = state
        self.number = number
        self.deadline = deadline
        self.options = options
    }

    struct Thought: Sendable {
        var utterance: TurnPlan.Utterance
        var account = ModelAccount()
    }

    /// Throws when the database is away, and `CancellationError`; whatever the model does becomes an utterance.
    func think(about words: String) async throws -> Thought {
        let callTools = CallTools(services, state)
        let tools = try callTools.registry(options)
        var state = state
        state.toolCalls += try await finishInterruptedWork(tools)
        let prompt = ConversationPrompt(
            state: state, toolNames: tools.descriptions.map(\.name),
            hangUpName: callTools.definitions.enabled(.disconnect)?.name,
            businessHours: services.settings.businessHours, businessTimezone: services.settings.businessTimezone)
        let conversation = prompt.messages(caller: words, answeringAs: number)
        var account = ModelAccount()
        let recorded = state.toolCalls.filter { $0.turnNumber == number }
        let earlier = recorded.map(\.execution)
        var run = try await run(conversation, tools, rounds: 6, earlier: earlier)
        account.add(run)
        if let claim = falseClaim(run.text ?? "", CommittedChanges(recorded, run)) {
            run = try await corrected(run, claim, conversation, tools, earlier: earlier)
            account.add(run)
        }
        return Thought(utterance: utterance(run, CommittedChanges(recorded, run)), account: account)
    }

    // MARK: tools

    /// One call by hand, as the model would make it: with the same tools and checks, and kept as the model's are.
    func execute(_ call: ToolCall) async throws -> ToolExecution {
        let tools = try CallTools(services, state).registry(options)
        let executions = try await services.executor(tools).execute([call], until: deadline) { execution in
            _ = try await record(execution, tools)
        }
        return executions[0]
    }

    /// Durably, and in the metrics.
    private func record(_ execution: ToolExecution, _ tools: ToolRegistry) async throws -> TurnState.RecordedToolCall {
        services.count(execution, tools)
        return try await records.record(execution, of: state.call.id, turnNumber: number)
    }

    /// What a worker left that died over it is finished first, and the model learns of it before it is asked.
    private func finishInterruptedWork(_ tools: ToolRegistry) async throws -> [TurnState.RecordedToolCall] {
        let calls = InterruptedWork(state).calls.filter { tools.get($0.name) != nil }
        guard !calls.isEmpty, options.isRecorded else { return [] }
        let executions = try await services.executor(tools).execute(calls, until: deadline)
        var recorded: [TurnState.RecordedToolCall] = []
        for execution in executions {
            recorded.append(try await record(execution, tools))
        }
        return recorded
    }

    // MARK: the model

    /// - Parameter earlier: what was done for this turn already; the same calls again are not done again.
    private func run(
        _ conversation: [Message], _ tools: ToolRegistry, rounds: Int, earlier: [ToolExecution]
    ) async throws -> AgentRun {
        var loop = AgentLoop(model: services.model, executor: services.executor(tools), logger: services.logger)
        loop.limits.maximumRounds = rounds
        loop.limits.timeout = deadline - .now
        loop.isStreaming = options.isStreaming
        // A voice needs a minute for so many.
        loop.maximumTokens = 400
        return try await loop.run(conversation, earlier: earlier) { event in
            if case .toolEnded(let execution) = event, options.isRecorded {
                _ = try await record(execution, tools)
            }
            try await options.observe(event)
        }
    }

    /// The reply claimed what is not so: the model is told, once.
    private func corrected(
        _ run: AgentRun, _ claim: FalseClaim, _ conversation: [Message], _ tools: ToolRegistry,
        earlier: [ToolExecution]
    ) async throws -> AgentRun {
        services.logger.warning("reply claimed what was not done", metadata: ["claim": claim.rawValue])
        let correction = Message.system(claim.correction)
        var corrected = try await self.run(
            conversation + run.messages + [correction], tools, rounds: 3, earlier: earlier + run.executions)
        corrected.executions = run.executions + corrected.executions
        return corrected
    }

    private func falseClaim(_ reply: String, _ changes: CommittedChanges) -> FalseClaim? {
        FalseClaim(in: reply, after: changes, state, services.invitation)
    }

    // MARK: the utterance

    private func utterance(_ run: AgentRun, _ changes: CommittedChanges) -> TurnPlan.Utterance {
        let text = String(CallerSpeech.clean(run.text ?? "").prefix(1_500))
        if run.isComplete, let claim = falseClaim(text, changes) {
            // What is committed is said all the same; and who has no meeting is to note no day.
            guard claim == .invited else { return phrase(claim.phrase, .answer) }
            let nothing: Phrase = changes.leaveMeeting(of: state) ? claim.phrase : .nothingBookedYet
            return phrase(changes.phrase ?? nothing, .answer)
        }
        switch run.stop {
        case .answered where interruptedEnding != nil: return ending(text, interruptedEnding)
        case .answered: return TurnPlan.Utterance(text: text, purpose: .answer)
        case .ended: return ending(text, Self.endingAction(run.executions.map(\.result)))
        case .roundLimit, .repeatedCalls, .emptyAnswer, .outOfTime, .modelFailed:
            // What is committed is said, also when the model has no words for it.
            if let committed = changes.phrase { return phrase(committed, .answer) }
            return state.latestRun(of: [.apology]) == 0
                ? phrase(.apology, .apology) : phrase(.apologyAndGoodbye, .goodbye, endsCall: true)
        }
    }

    /// The last words of the conversation: then the line is hung up, or a person is called.
    private func ending(_ text: String, _ action: String?) -> TurnPlan.Utterance {
        let number = action == TransferTool.action ? services.tools.transferNumber : nil
        guard text.isEmpty else {
            return TurnPlan.Utterance(text: text, purpose: .goodbye, endsCall: true, transferTo: number)
        }
        var utterance = phrase(number == nil ? .goodbye : .transferring, .goodbye, endsCall: true)
        utterance.transferTo = number
        return utterance
    }

    /// What an attempt that died had already set going in this turn: the model only finds it done.
    private var interruptedEnding: String? {
        Self.endingAction(
            state.toolCalls.filter { $0.turnNumber == number }.map { ToolResult(success: $0.success, value: $0.result) }
        )
    }

    private static func endingAction(_ results: [ToolResult]) -> String? {
        results.filter(\.success).compactMap { $0.value["system_action"]?.string }
            .last { [HangUpTool.action, TransferTool.action].contains($0) }
    }

    private func phrase(_ phrase: Phrase, _ purpose: TurnPurpose, endsCall: Bool = false) -> TurnPlan.Utterance {
        TurnPlan.Utterance(text: phrase.text(in: state.call.language), purpose: purpose, endsCall: endsCall)
    }
}
