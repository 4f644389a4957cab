public import Platform

/// A request to the simulated model that has passed every check: all that its answer depends on.
public struct ChatPrompt: Sendable {
    public struct Message: Sendable, Hashable {
        /// developer, system, user, assistant, tool or function.
        public var role: String
        /// The text parts together; nil when there are none.
        public var text: String?
        /// Of an assistant's message.
        public var toolCalls: [Call] = []
        /// Of a tool's message.
        public var toolCallID: String?
    }

    public struct Call: Sendable, Hashable {
        public var id: String
        public var name: String
        /// JSON text.
        public var arguments: String
    }

    public struct Tool: Sendable, Hashable {
        public var name: String
        public var description: String
        /// A JSON Schema of type object.
        public var parameters: JSON

        /// The names of its parameters.
        public var parameterNames: Set<String> { Set(parameters["properties"]?.object?.keys ?? [:].keys) }
    }

    public enum ToolChoice: Sendable, Hashable {
        case auto, none, required
        case function(String)
    }

    public var model: String
    public var messages: [Message]
    public var tools: [Tool] = []
    public var toolChoice: ToolChoice = .auto
    /// The schema of a structured answer.
    public var responseSchema: JSON?
    /// Whether the answer must be a JSON object of any shape.
    public var wantsJSON = false

    /// The tools that may be called in this answer.
    public var callableTools: [Tool] { toolChoice == .none ? [] : tools }
}

/// What the simulated model answers.
public struct ChatAnswer: Sendable, Hashable {
    public struct Call: Sendable, Hashable {
        public var name: String
        public var arguments: JSON
        public init(_ name: String, _ arguments: JSON) {
            self.name = name
            self.arguments = arguments
        }
    }

    public var text: String?
    public var calls: [Call]

    public init(text: String? = nil, calls: [Call] = []) {
        self.text = text
        self.calls = calls
    }
}
