import Agents
import FoundationEssentials
import Platform

/// Everything that answering a turn needs to know, as it stood when the turn began.
struct TurnState: Sendable {
    var call: Call
    var lead: Lead?
    var campaign: Campaign?
    /// In the order of their numbers.
    var turns: [Turn]
    /// In the order of their ends.
    var toolCalls: [RecordedToolCall]
    /// In the order of their making: those of this call, of any status, and of the caller's other calls what is not over.
    var meetings: [Meeting]
    /// The database's clock.
    var now: Date

    struct Call: Sendable {
        /// Nil where there is no row of a call: a tool that runs by itself, a stored conversation that is held again.
        var id: Int64?
        /// Names the request of a tool that runs by itself, with when it was made: another database may have one of the same number.
        var requestKey: String?
        var isInbound: Bool
        var status: CallStatus
        var hasAgentEnded: Bool
        var answeredBy: String?
        var providerCallID: String?
        /// The other side's number, E.164; nil when it is withheld.
        var phone: String?
        var language: Language
        var zone: Zone
        /// A browser or a typed conversation: a page can be shown.
        var hasScreen = false

        var isFinal: Bool { status.isFinal }

        /// Names it in jobs' keys: `7` is a call, what begins with `request-` a tool that runs by itself.
        var key: String { id.map { String($0) } ?? "request-\(requestKey ?? "")" }
    }

    struct Lead: Sendable {
        var id: Int64
        var name: String?
        var email: String?
        var variables: JSON
    }

    struct Campaign: Sendable {
        var name: String
        var instructions: String
        var greeting: String?
        /// Names of tools; nil is all, empty is none.
        var tools: [String]?
    }

    struct Turn: Sendable, Hashable {
        var number: Int
        var isAgents: Bool
        var content: String
        /// The callback turn that this utterance of the agent answers.
        var inReplyTo: Int?
        var endsCall: Bool
        /// E.164 number that the caller was put through to after it.
        var transferTo: String?
        var purpose: TurnPurpose?
    }

    struct RecordedToolCall: Sendable, Hashable {
        var id: Int64
        /// Of the agent's utterance that it led to.
        var turnNumber: Int
        var name: String
        var arguments: JSON
        var result: JSON
        var success: Bool

        /// As it was before it was recorded.
        var execution: ToolExecution {
            ToolExecution(
                call: ToolCall(id: "call_\(id)", name: name, arguments: arguments.text), arguments: arguments,
                result: ToolResult(success: success, value: result))
        }
    }
}

/// Why the agent said something: `turns.purpose`.
enum TurnPurpose: String, Sendable, Hashable, CaseIterable {
    case greeting
    /// In the model's words.
    case answer
    case notHeard = "not_heard"
    case notUnderstood = "not_understood"
    /// The model failed, and was covered for.
    case apology
    case goodbye
}

extension TurnState {
    var ownMeetings: [Meeting] { meetings.filter { $0.callID == call.id } }

    /// The answer that callback turn `number` already got.
    func storedAnswer(to number: Int) -> SpokenAnswer? {
        turns.first { $0.inReplyTo == number }.map(answer)
    }

    /// A turn read back as what was said.
    func answer(_ turn: Turn) -> SpokenAnswer {
        SpokenAnswer(
            say: turn.content, language: call.language.rawValue, nextTurn: turn.number + 1, endsCall: turn.endsCall,
            transferTo: turn.transferTo)
    }

    /// How many of the agent's latest utterances in a row had one of these purposes.
    func latestRun(of purposes: Set<TurnPurpose>) -> Int {
        turns.reversed().filter(\.isAgents).prefix { turn in turn.purpose.map(purposes.contains) ?? false }.count
    }
}
