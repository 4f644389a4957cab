public import Platform

/// A chat model. Safe to use from any number of tasks.
///
/// Errors are `ModelError`, or `CancellationError` when the task was cancelled.
public protocol LanguageModel: Sendable {
    /// One answer. Ends within `request.timeout`, retries included.
    func respond(to request: ModelRequest) async throws -> ModelResponse

    /// The answer as it is written: text events, then exactly one `.finished` with the whole answer. Nothing is buffered
    /// ahead of the consumer; dropping the stream ends the request.
    func stream(_ request: ModelRequest) -> AsyncThrowingStream<ModelEvent, any Error>
}

/// One message of a conversation, in the roles of Chat Completions.
public enum Message: Sendable, Hashable, Codable {
    case system(String)
    case user(String)
    case assistant(String?, toolCalls: [ToolCall] = [])
    /// The result of the tool call with this id. It must follow the assistant message that made the call.
    case tool(callID: String, String)
}

/// A model's wish to have a tool executed.
public struct ToolCall: Sendable, Hashable, Codable {
    /// The model's own id of this call; its result must name it.
    public var id: String
    public var name: String
    /// JSON text as the model wrote it: may be invalid.
    public var arguments: String

    public init(id: String, name: String, arguments: String) {
        self.id = id
        self.name = name
        self.arguments = arguments
    }
}

/// What a model is told of a tool: `parameters` is a JSON Schema object.
public struct ToolDescription: Sendable, Hashable {
    /// 1 … 64 letters, digits, underscores and hyphens.
    public var name: String
    public var description: String
    public var parameters: JSON

    public init(name: String, description: String, parameters: JSON) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}

/// What is asked of a model.
public struct ModelRequest: Sendable {
    public var messages: [Message]
    public var tools: [ToolDescription] = []
    /// False when the answer must be words: the tools stay known to the model, which keeps its prompt cache warm.
    public var mayCallTools = true
    /// The name of the model to ask, where the server has several; nil is the configured one.
    public var model: String?
    /// 0 … 2. Nil is the model's own default.
    public var temperature: Double?
    /// The most tokens that the answer may have. Nil is the model's own limit.
    public var maximumTokens: Int?
    /// A JSON Schema (with a name) that the answer must satisfy: structured output. OpenAI wants every property required
    /// and `additionalProperties: false`.
    public var responseSchema: (name: String, schema: JSON)?
    /// For the whole request with its retries.
    public var timeout: Duration = .seconds(30)

    public init(messages: [Message], tools: [ToolDescription] = []) {
        self.messages = messages
        self.tools = tools
    }
}

/// Tokens, as the model's server counts them; 0 when it does not say.
public struct ModelUsage: Sendable, Hashable, Codable {
    public var promptTokens: Int
    public var completionTokens: Int
    /// Of the prompt tokens, those that the server had in its cache.
    public var cachedPromptTokens: Int

    public init(promptTokens: Int = 0, completionTokens: Int = 0, cachedPromptTokens: Int = 0) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
        self.cachedPromptTokens = cachedPromptTokens
    }

    public static func + (left: ModelUsage, right: ModelUsage) -> ModelUsage {
        ModelUsage(
            promptTokens: left.promptTokens + right.promptTokens,
            completionTokens: left.completionTokens + right.completionTokens,
            cachedPromptTokens: left.cachedPromptTokens + right.cachedPromptTokens)
    }

    public static func += (left: inout ModelUsage, right: ModelUsage) { left = left + right }
}

/// A model's whole answer: text, or tool calls, or both.
public struct ModelResponse: Sendable, Hashable {
    public var text: String?
    public var toolCalls: [ToolCall]
    public var usage: ModelUsage
    /// Why it stopped: "stop", "tool_calls", "length", "content_filter".
    public var finishReason: String
    /// The model that answered, as its server names it; nil when it does not say.
    public var model: String?

    public init(
        text: String?, toolCalls: [ToolCall] = [], usage: ModelUsage = ModelUsage(), finishReason: String = "stop",
        model: String? = nil
    ) {
        self.text = text
        self.toolCalls = toolCalls
        self.usage = usage
        self.finishReason = finishReason
        self.model = model
    }

    /// Neither words nor calls: nothing to go on with.
    public var isEmpty: Bool { toolCalls.isEmpty && (text ?? "").allSatisfy(\.isWhitespace) }
}

public enum ModelEvent: Sendable, Hashable {
    /// The next piece of the answer's text.
    case text(String)
    case finished(ModelResponse)
}
