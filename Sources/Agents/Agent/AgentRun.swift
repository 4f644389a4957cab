/// What a run of the agent came to, with its account; also that of a run that failed.
public struct AgentRun: Sendable, Hashable {
    public var stop: AgentStop
    /// The words of the final answer; nil when there are none.
    public var text: String?
    /// Whether `text` is the fallback answer, since the run had none.
    public var isFallback = false
    /// What the run adds to the conversation: calls, results and the final answer.
    public var messages: [Message] = []
    /// Every tool call, in order.
    public var executions: [ToolExecution] = []
    public var usage = ModelUsage()
    /// What the model's answers cost, in the currency of the prices; nil when one of them has no price.
    public var cost: Double? = 0
    /// Requests to the model, failed ones included.
    public var modelCalls = 0
    /// Time spent waiting for the model.
    public var modelTime: Duration = .zero

    public init(stop: AgentStop) { self.stop = stop }

    /// Whether the run came to its end as it should.
    public var isComplete: Bool { stop == .answered || stop == .ended }

    mutating func count(_ response: ModelResponse, asked: String?, _ prices: ModelPrices) {
        usage += response.usage
        let price = (response.model ?? asked).flatMap { prices[$0] }
        cost = cost.flatMap { cost in price.map { cost + $0.cost(of: response.usage) } }
    }
}

/// What an agent has used up since it was made, resets and failed runs included.
public struct AgentAccount: Sendable, Hashable {
    public var runs = 0
    public var usage = ModelUsage()
    /// Nil when an answer of the model had no price.
    public var cost: Double? = 0
    public var modelCalls = 0
    public var modelTime: Duration = .zero
    public var toolCalls = 0

    public init() {}

    mutating func add(_ run: AgentRun) {
        runs += 1
        usage += run.usage
        cost = cost.flatMap { cost in run.cost.map { cost + $0 } }
        modelCalls += run.modelCalls
        modelTime += run.modelTime
        toolCalls += run.executions.count
    }
}

/// What happens during a run, as it happens.
public enum AgentEvent: Sendable, Hashable {
    /// The next piece of what the model says. Text beside tool calls is reported too.
    case text(String)
    case toolStarted(ToolCall)
    case toolEnded(ToolExecution)
    case finished(AgentRun)
}
