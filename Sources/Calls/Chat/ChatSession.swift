public import Agents
import FoundationEssentials
import Platform
import Postgres
import Synchronization

/// A conversation with the agent in words that are typed: every turn goes the way of a call's, from the plan to the tools.
///
/// It stands in the tables as a call of its own: `direction` inbound, `provider` chat, without phone, lead or campaign. Its
/// turns, tool calls and meetings are rows like any call's, and `finalize_call` writes what came of it. What the tools do
/// is done: a meeting that is booked is booked.
///
/// One question at a time.
public final class ChatSession: Sendable {
    /// `calls.provider`.
    public static let provider = "chat"
    /// Of one utterance. What is longer would be cut.
    public static let maximumCharacters = CallerSpeech.maximumCharacters

    public let callID: Int64
    private let services: CallServices
    private let brief: ChatBrief
    /// The number of the next utterance.
    private let turn = Mutex(1)

    private init(_ callID: Int64, _ brief: ChatBrief, _ services: CallServices) {
        self.callID = callID
        self.brief = brief
        self.services = services
    }

    /// Runs `body` in a new chat, and hangs up whatever happens in it. Throws what `body` or PostgreSQL throws.
    public static func hold(
        _ brief: ChatBrief, _ services: CallServices, _ body: (ChatSession) async throws -> Void
    ) async throws {
        let session = try await begin(brief, services)
        do {
            try await body(session)
        } catch {
            // Where that fails too, reconciliation ends the call.
            try? await session.end()
            throw error
        }
        try await session.end()
    }

    private static func begin(_ brief: ChatBrief, _ services: CallServices) async throws -> ChatSession {
        let rows = try await services.postgres.query(
            """
            INSERT INTO calls (direction, provider, provider_call_id, to_phone, status, language, timezone, started_at,
                answered_at)
            VALUES ('inbound', \(provider), 'chat-' || gen_random_uuid()::text, 'chat', 'in_progress', \(brief.language),
                \(brief.zone.identifier), now(), now())
            RETURNING id
            """)
        return ChatSession(try rows[0].decode(Int64.self), brief, services)
    }

    /// What the agent says to these words; nil or blank words are silence, and the first turn gets the greeting.
    ///
    /// - Parameter observe: Told of the model's words and the tools as they come. What it throws ends the turn; what tools
    ///   have done by then stays done, and the next question finds it.
    /// - Throws: What PostgreSQL throws, and `CancellationError`. A model that fails does not throw: it is an apology, and
    ///   `ChatExchange.stop` says why.
    public func answer(
        _ words: String?, observe: @escaping AgentLoop.Observer = { _ in }
    ) async throws -> ChatExchange {
        let number = turn.withLock { $0 }
        let observed = ObservedTurn()
        let options = TurnOptions(
            prepare: { [brief] state in
                brief.apply(to: &state)
                observed.began(at: state.now)
            },
            observe: { event in
                observed.take(event)
                try await observe(event)
            }, isStreaming: true)
        let job = ProcessConversation(callID: callID, turn: number, speech: words)
        let reply = try await ConversationHandler(services, options).answer(job) { _, statements in
            try await services.postgres.batch(statements)
        }
        switch reply {
        case .unknownCall: throw ChatError.callIsGone(callID)
        case .stored(let answer), .committed(let answer):
            turn.withLock { $0 = answer.nextTurn }
            return observed.exchange(turn: number, words, answer)
        }
    }

    /// Runs one tool as the model would, with the campaign's tools and all checks. The execution is a row of `tool_calls`.
    public func execute(_ name: String, arguments: String) async throws -> ToolExecution {
        guard var state = try await TurnRecords(services).load(callID) else { throw ChatError.callIsGone(callID) }
        brief.apply(to: &state)
        let thinking = TurnThinking(
            services, state, number: turn.withLock { $0 }, deadline: .now + services.settings.turnBudget)
        return try await thinking.execute(ToolCall(id: "call_by_hand", name: name, arguments: arguments))
    }

    private func end() async throws {
        try await CallRecords(services).end(callID, providerStatus: .completed)
    }
}

public enum ChatError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Its row was deleted meanwhile.
    case callIsGone(Int64)
    /// A record that cannot be replayed: the line, from 1, and what is wrong with it.
    case badRecord(line: Int, problem: String)

    public var description: String {
        switch self {
        case .callIsGone(let id): "the call \(id) of this chat is no longer in the database: start another chat"
        case .badRecord(let line, let problem): "line \(line): \(problem)"
        }
    }
}

/// What happened in one turn, gathered as it happens.
private final class ObservedTurn: Sendable {
    private struct State {
        var startedAt = Date()
        var executions: [ToolExecution] = []
        var stop: AgentStop?
    }
    private let state = Mutex(State())

    func began(at time: Date) { state.withLock { $0.startedAt = time } }

    func take(_ event: AgentEvent) {
        state.withLock { state in
            switch event {
            case .toolEnded(let execution): state.executions.append(execution)
            case .finished(let run): state.stop = run.stop
            default: break
            }
        }
    }

    func exchange(turn: Int, _ words: String?, _ answer: SpokenAnswer) -> ChatExchange {
        state.withLock { state in
            let spoken = CallerSpeech(ProcessConversation(callID: 0, turn: turn, speech: words))
            let caller: String? = if case .words(let words, _) = spoken { words } else { nil }
            return ChatExchange(
                turn: turn, at: state.startedAt, caller: caller, tools: state.executions.map(ChatToolCall.init),
                agent: answer.say, endsCall: answer.endsCall, stop: state.stop)
        }
    }
}
