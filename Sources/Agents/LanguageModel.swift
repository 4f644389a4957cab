public import Platform

/// One message of a conversation, in the roles of Chat Completions.
public enum Message: Sendable, Hashable, Codable {
    case system(String)
    case user(String)
    case assistant(String?, toolCalls: [ToolCall] = [])
    /// The result of the tool call with this id.
    case tool(callID: String, String)
}

public struct ToolCall: Sendable, Hashable, Codable {
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
    public var name: String
    public var description: String
    public var parameters: JSON
    public init(name: String, description: String, parameters: JSON) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }
}

public struct ModelRequest: Sendable {
    public var messages: [Message]
    public var tools: [ToolDescription] = []
    /// Nil is the model's own default.
    public var temperature: Double?
    public var maximumTokens: Int?
    /// A JSON Schema (with a name) that the answer must satisfy: structured output.
    public var responseSchema: (name: String, schema: JSON)?
    /// For the whole request with its retries.
    public var timeout: Duration = .seconds(30)
    public init(messages: [Message]) { self.messages = messages }
}

public struct ModelUsage: Sendable, Hashable, Codable {
    public var promptTokens: Int
    public var completionTokens: Int
    public init(promptTokens: Int = 0, completionTokens: Int = 0) {
        self.promptTokens = promptTokens
        self.completionTokens = completionTokens
    }
}

public struct ModelResponse: Sendable {
    public var text: String?
    public var toolCalls: [ToolCall]
    public var usage: ModelUsage
    /// Why it stopped: "stop", "tool_calls", "length", "content_filter".
    public var finishReason: String
    public init(
        text: String?, toolCalls: [ToolCall] = [], usage: ModelUsage = ModelUsage(), finishReason: String = "stop"
    ) {
        self.text = text
        self.toolCalls = toolCalls
        self.usage = usage
        self.finishReason = finishReason
    }
}

public enum ModelEvent: Sendable {
    case text(String)
    case finished(ModelResponse)
}

/// A chat model. Errors are `ModelError`.
public protocol LanguageModel: Sendable {
    func respond(to request: ModelRequest) async throws -> ModelResponse
    func stream(_ request: ModelRequest) -> AsyncThrowingStream<ModelEvent, any Error>
}
