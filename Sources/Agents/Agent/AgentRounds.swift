/// Decides what follows each answer of the model, so that every run comes to an end.
///
/// A pure state machine. A round is one answer of the model with the tools that it called. When the rounds are nearly used
/// up, or the model goes in circles, it is asked once more for words alone; a model that still calls tools is stopped.
struct AgentRounds {
    enum Step: Hashable {
        case answer(String)
        case execute([ToolCall])
        /// It said nothing at all.
        case askAgain
        case stop(AgentStop)
    }

    /// A set of calls without the model's ids: what repeats when it goes in circles.
    private struct Signature: Hashable {
        var calls: [String]
    }

    let limits: AgentLimits
    private(set) var rounds = 0
    private var seen: [Signature: Int] = [:]
    private var isGoingInCircles = false
    private var emptyAnswers = 0

    init(limits: AgentLimits) { self.limits = limits }

    /// Whether the next request may end in tool calls.
    var mayCallTools: Bool { !isGoingInCircles && rounds + 1 < limits.maximumRounds }

    mutating func next(after response: ModelResponse) -> Step {
        let mightCallTools = mayCallTools
        rounds += 1
        if response.isEmpty {
            emptyAnswers += 1
            return emptyAnswers < 2 && rounds < limits.maximumRounds ? .askAgain : .stop(.emptyAnswer)
        }
        guard !response.toolCalls.isEmpty else { return .answer(response.text ?? "") }
        guard mightCallTools else { return .stop(isGoingInCircles ? .repeatedCalls : .roundLimit) }
        let signature = Signature(calls: response.toolCalls.map { "\($0.name) \($0.arguments)" }.sorted())
        seen[signature, default: 0] += 1
        isGoingInCircles = seen[signature, default: 0] >= limits.maximumRepeats
        return .execute(response.toolCalls)
    }
}

/// What ends a run.
public enum AgentStop: Sendable, Hashable {
    case answered
    /// A tool that ends the conversation was called, with words beside it or none.
    case ended
    /// The model still called tools when it was asked for words.
    case roundLimit
    /// It made the same calls over and over.
    case repeatedCalls
    /// It said nothing, twice.
    case emptyAnswer
    case outOfTime
    case modelFailed(ModelError)

    /// Whether the run has no answer: who waits for one gets an apology.
    public var isFailure: Bool {
        switch self {
        case .answered, .ended: false
        case .roundLimit, .repeatedCalls, .emptyAnswer, .outOfTime, .modelFailed: true
        }
    }
}

/// The bounds of one run.
public struct AgentLimits: Sendable, Hashable {
    /// Answers of the model, the last one included. At least 1.
    public var maximumRounds = 6
    /// The same calls so often are going in circles. At least 1.
    public var maximumRepeats = 3
    /// For the whole run, tools included.
    public var timeout: Duration = .seconds(60)
    public init() {}
}
