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

    init(_ services: CallServices, _ state: TurnState, number: Int, deadline: ContinuousClock.Instant) {
        self.services = services
        self.records = TurnRecords(services)
        self.state = state
        self.number = number
        self.deadline = deadline
    }

    struct Thought: Sendable {
        var utterance: TurnPlan.Utterance
        var account = ModelAccount()
    }

    /// Throws when the database is away, and `CancellationError`; whatever the model does becomes an utterance.
    func think(about words: String) async throws -> Thought {
        let tools = try tools(state)
        var state = state
        state.toolCalls += try await finishInterruptedBooking(tools)
        let prompt = ConversationPrompt(
            state: state, toolNames: tools.descriptions.map(\.name), businessHours: services.settings.businessHours,
            businessTimezone: services.settings.businessTimezone)
        let conversation = prompt.messages(caller: words, answeringAs: number)
        var account = ModelAccount()
        let earlier = state.toolCalls.filter { $0.turnNumber == number }.map(\.execution)
        var run = try await run(conversation, tools, rounds: 6, earlier: earlier)
        account.add(run)
        let booked = confirmedMeeting(in: state.toolCalls.filter { $0.turnNumber == number }.map(\.result), run)
        let mayClaim = state.hasConfirmedMeeting || booked != nil
        if !mayClaim, BookingClaim.isMade(in: run.text ?? "") {
            run = try await corrected(run, conversation, tools, earlier: earlier)
            account.add(run)
        }
        return Thought(utterance: utterance(run, booked: booked, mayClaim: mayClaim), account: account)
    }

    // MARK: tools

    /// Those that the campaign allows.
    private func tools(_ state: TurnState) throws -> ToolRegistry {
        let meetings = MeetingTools(services: services, state: state)
        let all: [any Tool] = [
            CheckAvailabilityTool(meetings: meetings), BookMeetingTool(meetings: meetings), HangUpTool(),
        ]
        let allowed = state.campaign?.tools
        return try ToolRegistry(all.filter { allowed?.contains($0.description.name) ?? true })
    }

    private func executor(_ tools: ToolRegistry) -> ToolExecutor {
        ToolExecutor(registry: tools, cache: services.toolResults, logger: services.logger)
    }

    /// A booking whose tool call was never recorded is what a worker left that died over it: the same booking is made again,
    /// which finds what became of it, and the model learns of it before it is asked.
    private func finishInterruptedBooking(_ tools: ToolRegistry) async throws -> [TurnState.RecordedToolCall] {
        let told = state.toolCalls.contains {
            $0.name == BookMeetingTool.name && ($0.success || $0.result["reason"] == "unconfirmed")
        }
        let meeting = state.meetings.first { $0.status == .reserved || $0.status == .confirmed }
        guard !told, let meeting else { return [] }
        let minutes = Int64(meeting.endsAt.timeIntervalSince(meeting.startsAt) / 60)
        let arguments: JSON = [
            "datetime": .string(state.call.zone.iso8601(meeting.startsAt)), "duration_minutes": .integer(minutes),
            "guest_email": .string(meeting.guestEmail ?? ""), "guest_name": .string(meeting.guestName ?? ""),
            "meeting_title": .string(meeting.title),
        ]
        let call = ToolCall(id: "call_resumed_\(meeting.id)", name: BookMeetingTool.name, arguments: arguments.text)
        let executions = try await executor(tools).execute([call], until: deadline)
        var recorded: [TurnState.RecordedToolCall] = []
        for execution in executions {
            recorded.append(try await records.record(execution, of: state.call.id, turnNumber: number))
        }
        return recorded
    }

    // MARK: the model

    /// - Parameter earlier: what was done for this turn already; the same calls again are not done again.
    private func run(
        _ conversation: [Message], _ tools: ToolRegistry, rounds: Int, earlier: [ToolExecution]
    ) async throws -> AgentRun {
        var loop = AgentLoop(model: services.model, executor: executor(tools), logger: services.logger)
        loop.limits.maximumRounds = rounds
        loop.limits.timeout = deadline - .now
        // A voice needs a minute for so many.
        loop.maximumTokens = 400
        return try await loop.run(conversation, earlier: earlier) { event in
            guard case .toolEnded(let execution) = event else { return }
            _ = try await records.record(execution, of: state.call.id, turnNumber: number)
        }
    }

    /// The reply claimed what is not so: the model is told, once.
    private func corrected(
        _ run: AgentRun, _ conversation: [Message], _ tools: ToolRegistry, earlier: [ToolExecution]
    ) async throws -> AgentRun {
        services.logger.warning("reply claimed a booking that is not there", metadata: ["call": "\(state.call.id)"])
        let correction = Message.system(
            "Your last answer was not spoken: it says that a meeting is booked, and none is. Book it with your tool if everything "
                + "is agreed, or answer again without saying so.")
        var corrected = try await self.run(
            conversation + run.messages + [correction], tools, rounds: 3, earlier: earlier + run.executions)
        corrected.executions = run.executions + corrected.executions
        return corrected
    }

    // MARK: the utterance

    private func utterance(_ run: AgentRun, booked: JSON?, mayClaim: Bool) -> TurnPlan.Utterance {
        let booked = booked ?? confirmedMeeting(in: [], run)
        let text = String(CallerSpeech.clean(run.text ?? "").prefix(1_500))
        if run.isComplete, !mayClaim, booked == nil, BookingClaim.isMade(in: text) {
            return phrase(.nothingBookedYet, .answer)
        }
        switch run.stop {
        case .answered: return TurnPlan.Utterance(text: text, purpose: .answer)
        case .ended where text.isEmpty: return phrase(.goodbye, .goodbye, endsCall: true)
        case .ended: return TurnPlan.Utterance(text: text, purpose: .goodbye, endsCall: true)
        case .roundLimit, .repeatedCalls, .emptyAnswer, .outOfTime, .modelFailed:
            // What is committed is said, also when the model has no words for it.
            if let when = booked?["meeting"]?["display"]?.string { return phrase(.booked(when: when), .answer) }
            return state.latestRun(of: [.apology]) == 0
                ? phrase(.apology, .apology) : phrase(.apologyAndGoodbye, .goodbye, endsCall: true)
        }
    }

    private func phrase(_ phrase: Phrase, _ purpose: TurnPurpose, endsCall: Bool = false) -> TurnPlan.Utterance {
        TurnPlan.Utterance(text: phrase.text(in: state.call.language), purpose: purpose, endsCall: endsCall)
    }

    /// What `book_meeting` answered in this turn, when it has booked.
    private func confirmedMeeting(in results: [JSON], _ run: AgentRun) -> JSON? {
        let now = run.executions.filter { $0.call.name == BookMeetingTool.name && $0.result.success }.map(
            \.result.value)
        return (results + now).first { $0["success"] == true && $0["meeting_id"] != nil }
    }
}
