public import Jobs
import Platform
import Postgres

/// Answers one turn of a call: loads it in one round trip, decides, thinks if it must, and commits in another.
public struct ConversationHandler: Sendable {
    private let services: CallServices
    private let records: TurnRecords
    private let options: TurnOptions
    private let turnTimer: Timer
    private let modelTimer: Timer

    public init(_ services: CallServices) { self.init(services, TurnOptions()) }

    init(_ services: CallServices, _ options: TurnOptions) {
        self.services = services
        self.options = options
        records = TurnRecords(services)
        turnTimer = services.metrics.timer(
            "operadora_turn_seconds", help: "Time to answer a turn, the model's time included")
        modelTimer = services.metrics.timer(
            "operadora_turn_model_seconds", help: "Time that a turn waited for the model")
    }

    /// The job's result is a `SpokenAnswer`. Throws when the database is away: the turn is then tried again.
    public func handle(_ job: ProcessConversation, context: JobContext) async throws -> JobOutcome {
        let reply = try await answer(job) { try await context.complete($0, with: $1, on: services.postgres) }
        return switch reply {
        case .unknownCall: .failed(reason: "there is no call \(job.callID)")
        case .stored(let answer): .completed(try JSON(encoding: answer))
        case .committed: .completedInTransaction
        }
    }

    /// The job has failed for good, lost its third worker, or came too late: what was said is kept, and a wish never to be called
    /// again is heard.
    func failed(_ job: ProcessConversation, _ error: String, _ connection: PostgresConnection) async throws {
        guard let state = try await records.load(job.callID, on: connection) else { return }
        let speech = CallerSpeech(job)
        var answer = TurnAnswer(job, speech, state)
        switch TurnPlan(job, speech, state) {
        case .repeat: return
        case .hangUp where !state.call.isFinal: return
        case .stopCalling: answer.isDoNotCall = true
        case .hangUp, .say, .think: break
        }
        for statement in records.unansweredStatements(answer) { try await connection.query(statement) }
    }

    enum Reply: Sendable, Hashable {
        case unknownCall
        /// It had been answered before.
        case stored(SpokenAnswer)
        case committed(SpokenAnswer)
    }

    /// - Parameter commit: runs the statements and ends the job with a result, in one transaction.
    func answer(
        _ job: ProcessConversation, commit: @Sendable (JSON, [PostgresQuery]) async throws -> Void
    ) async throws -> Reply {
        let stopwatch = Stopwatch()
        defer { turnTimer.record(stopwatch.elapsed) }
        let deadline = ContinuousClock.now + services.settings.turnBudget
        guard var state = try await records.load(job.callID) else { return .unknownCall }
        options.prepare(&state)
        let speech = CallerSpeech(job)
        var answer = TurnAnswer(job, speech, state)
        switch TurnPlan(job, speech, state) {
        case .repeat(let answer): return .stored(answer)
        case .hangUp where !state.call.isFinal:
            // A machine's greeting is not the caller's word.
            answer.caller = nil
        case .hangUp: break
        case .say(let utterance): answer.utterance = utterance
        case .stopCalling(let utterance):
            answer.isDoNotCall = true
            answer.utterance = utterance
        case .think(let words):
            let thinking = TurnThinking(services, state, number: answer.number, deadline: deadline, options)
            let thought = try await thinking.think(about: words)
            answer.utterance = thought.utterance
            answer.account = thought.account
            modelTimer.record(thought.account.modelTime)
        }
        try await commit(try JSON(encoding: answer.spoken), records.statements(answer))
        return .committed(answer.spoken)
    }
}

extension TurnAnswer {
    /// What is to be written whatever is said.
    init(_ job: ProcessConversation, _ speech: CallerSpeech, _ state: TurnState) {
        self.init(callID: job.callID, turn: job.turn, number: job.turn, language: state.call.language)
        phone = state.call.phone
        answeredBy = job.answeredBy
        if case .words(let words, let confidence) = speech {
            caller = CallerWords(words: words, confidence: confidence)
            number = job.turn + 1
        }
        if let id = job.providerCallID, !state.call.isFinal,
            state.call.status != .inProgress || state.call.providerCallID == nil
        {
            event = ProviderEvent(providerCallID: id, answeredBy: job.answeredBy)
        }
    }
}
