public import Platform

/// One tool call, with what came of it.
public struct ToolExecution: Sendable, Hashable {
    /// Where a result is from.
    public enum Origin: String, Sendable, Hashable, CaseIterable {
        case executed
        /// The call could not be executed as it was written.
        case refused
        /// The same call of somebody had it, a moment ago.
        case cached
        /// The same call of this run had it.
        case repeated
        /// The tool failed and has an answer for that.
        case fallback
    }

    public var call: ToolCall
    /// Nil when the model's text was not JSON.
    public var arguments: JSON?
    public var result: ToolResult
    public var duration: Duration
    /// How often the tool ran: 0 when its result is from elsewhere.
    public var attempts: Int
    public var origin: Origin
    /// Whether this was the last step of the conversation.
    public var endsConversation: Bool

    public init(
        call: ToolCall, arguments: JSON?, result: ToolResult, duration: Duration = .zero, attempts: Int = 1,
        origin: Origin = .executed, endsConversation: Bool = false
    ) {
        self.call = call
        self.arguments = arguments
        self.result = result
        self.duration = duration
        self.attempts = attempts
        self.origin = origin
        self.endsConversation = endsConversation
    }

    /// The message that tells the model.
    public var message: Message { .tool(callID: call.id, result.value.text) }
}
