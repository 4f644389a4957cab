public import Agents
import FoundationEssentials
import Platform

/// Holds a stored conversation again, turn by turn, with the prompt, tools and model of now.
///
/// Each turn is asked for at its place in the stored conversation, not in the new one: so it is compared with what was answered
/// there, and a difference in one turn does not make all that follow differ. It is the time that it was then. Tools are not
/// executed, their answers come from the record; nothing is written.
public struct ChatReplay: Sendable {
    private let record: ChatRecord
    private let brief: ChatBrief
    private let services: CallServices

    /// - Parameter brief: whose language is the record's.
    public init(_ record: ChatRecord, _ brief: ChatBrief, _ services: CallServices) {
        self.record = record
        self.brief = brief
        self.services = services
    }

    /// Throws what `observe` throws, and `CancellationError`.
    public func turn(_ index: Int, observe: @escaping AgentLoop.Observer = { _ in }) async throws -> ReplayedTurn {
        let recorded = record.exchanges[index]
        var replayed = recorded
        let job = ProcessConversation(callID: 0, turn: recorded.turn, speech: recorded.caller)
        let state = state(before: index)
        switch TurnPlan(job, CallerSpeech(job), state) {
        // No prompt changes what is said to silence.
        case .say where recorded.caller == nil && index > 0: break
        case .repeat, .hangUp: break
        case .say(let utterance): replayed.say(utterance)
        case .stopCalling(let utterance): replayed.say(utterance)
        case .think(let words):
            let answers = RecordedAnswers(of: recorded, in: record)
            let thinking = TurnThinking(
                services, state, number: recorded.answerNumber, deadline: .now + services.settings.turnBudget,
                TurnOptions(
                    observe: { event in
                        answers.take(event)
                        try await observe(event)
                    }, replaceTool: { RecordedTool(tool: $0, answer: answers.answer) }, isRecorded: false))
            replayed.say(try await thinking.think(about: words).utterance)
            (replayed.tools, replayed.stop) = answers.made
        }
        return ReplayedTurn(recorded: recorded, replayed: replayed)
    }

    private func state(before index: Int) -> TurnState {
        let earlier = record.exchanges.prefix(index)
        var state = TurnState(
            call: TurnState.Call(
                id: nil, isInbound: false, status: .inProgress, hasAgentEnded: earlier.contains(where: \.endsCall),
                answeredBy: nil, providerCallID: nil, phone: nil, language: Language(code: record.head.language),
                zone: Zone(identifier: record.head.timezone) ?? .utc),
            lead: nil, campaign: nil, turns: earlier.flatMap(\.turns), toolCalls: [],
            meetings: Meeting.left(by: earlier.flatMap(\.tools)), now: record.exchanges[index].at)
        for exchange in earlier {
            for call in exchange.tools {
                state.toolCalls.append(
                    TurnState.RecordedToolCall(
                        id: Int64(state.toolCalls.count + 1), turnNumber: exchange.answerNumber, name: call.name,
                        arguments: call.arguments, result: call.result, success: call.success))
            }
        }
        brief.apply(to: &state)
        return state
    }
}

/// A stored turn, and what became of it this time.
public struct ReplayedTurn: Sendable, Hashable {
    public enum Difference: String, Sendable, Hashable, CaseIterable {
        /// Other tools were called, or with other arguments.
        case tools
        case words
        /// Only one of the two hung up.
        case end
    }

    public let recorded: ChatExchange
    public let replayed: ChatExchange

    public var differences: [Difference] {
        Difference.allCases.filter { difference in
            switch difference {
            case .tools: recorded.calls != replayed.calls
            case .words: recorded.agent != replayed.agent
            case .end: recorded.endsCall != replayed.endsCall
            }
        }
    }
}

extension ChatExchange {
    fileprivate mutating func say(_ utterance: TurnPlan.Utterance?) {
        agent = utterance?.text ?? ""
        endsCall = utterance?.endsCall ?? true
    }

    /// What was asked of tools.
    fileprivate var calls: [[JSON]] { tools.map { [.string($0.name), $0.arguments] } }

    /// As the rows of `turns` that it was.
    fileprivate var turns: [TurnState.Turn] {
        let said = caller.map {
            TurnState.Turn(
                number: turn, isAgents: false, content: $0, inReplyTo: nil, endsCall: false, purpose: nil)
        }
        let answer = TurnState.Turn(
            number: answerNumber, isAgents: true, content: agent, inReplyTo: turn, endsCall: endsCall, purpose: nil)
        return (said.map { [$0] } ?? []) + [answer]
    }
}
