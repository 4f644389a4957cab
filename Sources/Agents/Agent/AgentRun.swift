/// What a run of the agent came to, with its account; also that of a run that failed.
public struct AgentRun: Sendable, Hashable {
    public var stop: AgentStop
    /// The words of the final answer; nil when there are none.
    public var text: String?
    /// What the run adds to the conversation: calls, results and the final answer.
    public var messages: [Message] = []
    /// Every tool call, in order.
    public var executions: [ToolExecution] = []
    public var usage = ModelUsage()
    /// Requests to the model, failed ones included.
    public var modelCalls = 0
    /// Time spent waiting for the model.
    public var modelTime: Duration = .zero

    public init(stop: AgentStop) { self.stop = stop }

    /// Whether the run came to its end as it should.
    public var isComplete: Bool { stop == .answered || stop == .ended }
}

/// What happens during a run, as it happens.
public enum AgentEvent: Sendable, Hashable {
    /// The next piece of what the model says. Text beside tool calls is reported too.
    case text(String)
    case toolStarted(ToolCall)
    case toolEnded(ToolExecution)
    case finished(AgentRun)
}
