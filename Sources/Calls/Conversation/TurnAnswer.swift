import Agents

/// What a turn comes to: everything that its one transaction writes.
struct TurnAnswer: Sendable {
    var callID: Int64
    /// The callback turn that is answered.
    var turn: Int
    /// The number of the agent's utterance.
    var number: Int
    var caller: CallerWords?
    /// Nil when nothing is said.
    var utterance: TurnPlan.Utterance?
    var account = ModelAccount()
    /// What the provider's webhook told besides; nil when it is known already.
    var event: ProviderEvent?
    var answeredBy: String?
    var isDoNotCall = false
    var phone: String?
    var language: Language

    struct CallerWords: Sendable, Hashable {
        var words: String
        var confidence: Double?
    }

    struct ProviderEvent: Sendable, Hashable {
        var providerCallID: String
        var answeredBy: String?
    }

    /// The job's result.
    var spoken: SpokenAnswer {
        SpokenAnswer(
            say: utterance?.text ?? "", language: language.rawValue, nextTurn: number + 1,
            endsCall: utterance?.endsCall ?? true, transferTo: utterance?.transferTo)
    }
}

/// What the model cost in one turn.
struct ModelAccount: Sendable, Hashable {
    var modelCalls = 0
    var modelTime: Duration = .zero
    var usage = ModelUsage()

    mutating func add(_ run: AgentRun) {
        modelCalls += run.modelCalls
        modelTime += run.modelTime
        usage += run.usage
    }
}
