public import Platform

/// Something that a model may call. The arguments were validated against `description.parameters` before `execute`.
public protocol Tool: Sendable {
    var description: ToolDescription { get }
    /// How long one call may take, its retries included. The task is cancelled then, and not waited for.
    var timeout: Duration { get }
    /// Whether an execution that threw may be done again by the executor: true for what only reads.
    var isRetrySafe: Bool { get }
    /// Whether it may run beside the other calls of the same round. Those that may not run one after another, in order.
    var isConcurrencySafe: Bool { get }
    /// Whether a success ends the conversation, once the words beside the call are spoken.
    var endsConversation: Bool { get }

    /// Throw `ToolError` to tell the model what went wrong; of any other error the model learns only that there was one.
    func execute(_ arguments: JSON) async throws -> ToolResult
}

extension Tool {
    public var timeout: Duration { .seconds(10) }
    public var isRetrySafe: Bool { false }
    public var isConcurrencySafe: Bool { true }
    public var endsConversation: Bool { false }
}

/// What a tool leaves. `value` goes back to the model as JSON; it is useful to the model even when `success` is false.
public struct ToolResult: Sendable, Hashable, Codable {
    public var success: Bool
    public var value: JSON

    public init(success: Bool, value: JSON) {
        self.success = success
        self.value = value
    }

    /// A failure that the model can act on: say what was wrong and what to do instead.
    public static func failure(_ problem: String) -> ToolResult {
        ToolResult(success: false, value: ["success": false, "error": .string(problem)])
    }
}

/// A failure whose message is for the model.
public struct ToolError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    /// Whether doing the same again may succeed.
    public var isTransient: Bool

    public init(_ message: String, isTransient: Bool = false) {
        self.message = message
        self.isTransient = isTransient
    }

    public var description: String { message }
}

/// A tool made of a closure.
public struct FunctionTool: Tool {
    public var description: ToolDescription
    public var timeout: Duration
    public var isRetrySafe: Bool
    public var isConcurrencySafe: Bool
    public var endsConversation: Bool
    private let body: @Sendable (JSON) async throws -> ToolResult

    public init(
        _ name: String, _ description: String, parameters: JSON = ["type": "object", "properties": [:]],
        timeout: Duration = .seconds(10), isRetrySafe: Bool = false, isConcurrencySafe: Bool = true,
        endsConversation: Bool = false, body: @escaping @Sendable (JSON) async throws -> ToolResult
    ) {
        self.description = ToolDescription(name: name, description: description, parameters: parameters)
        self.timeout = timeout
        self.isRetrySafe = isRetrySafe
        self.isConcurrencySafe = isConcurrencySafe
        self.endsConversation = endsConversation
        self.body = body
    }

    public func execute(_ arguments: JSON) async throws -> ToolResult { try await body(arguments) }
}
