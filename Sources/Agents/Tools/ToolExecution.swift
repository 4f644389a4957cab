public import Platform

/// One executed tool call, with what came of it.
public struct ToolExecution: Sendable, Hashable {
    public var call: ToolCall
    /// Nil when the model's text was not JSON.
    public var arguments: JSON?
    public var result: ToolResult
    public var duration: Duration
    /// How often the tool ran: 0 when the call was refused before.
    public var attempts: Int
    /// Whether this was the last step of the conversation.
    public var endsConversation: Bool

    public init(
        call: ToolCall, arguments: JSON?, result: ToolResult, duration: Duration = .zero, attempts: Int = 1,
        endsConversation: Bool = false
    ) {
        self.call = call
        self.arguments = arguments
        self.result = result
        self.duration = duration
        self.attempts = attempts
        self.endsConversation = endsConversation
    }

    /// The message that tells the model.
    public var message: Message { .tool(callID: call.id, result.value.text) }
}
