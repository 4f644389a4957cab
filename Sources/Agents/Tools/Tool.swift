public import Platform

/// Something that a model may call. The arguments were validated against `description.parameters` before `execute`.
public protocol Tool: Sendable {
    var description: ToolDescription { get }
    /// How long one call may take, its retries included. The task is cancelled then, and not waited for.
    var timeout: Duration { get }
    /// Whether an execution that threw may be done again by the executor: true for what only reads.
    var isRetrySafe: Bool { get }
    /// Whether the same call again in the same run is executed again. Otherwise it gets the result of the one before, when
    /// that succeeded or may have been done: a model that repeats itself does nothing twice.
    var isRepeatable: Bool { get }
    /// Whether it may run beside the other calls of the same round. Those that may not run one after another, in order.
    var isConcurrencySafe: Bool { get }
    /// Whether a success ends the conversation, once the words beside the call are spoken.
    var endsConversation: Bool { get }
    /// For how long a success answers the same call of everybody who shares the executor's cache; nil is never.
    var cacheLifetime: Duration? { get }
    /// What a result depends on besides the arguments, such as the caller: a cached one is shared only within it.
    var cacheScope: String { get }

    /// Throw `ToolError` to tell the model what went wrong; of any other error the model learns only that there was one.
    func execute(_ arguments: JSON) async throws -> ToolResult

    /// What is answered when the tool failed or did not answer in time, its retries included; nil is the failure itself.
    func fallback(for arguments: JSON) -> ToolResult?
}

extension Tool {
    public var timeout: Duration { .seconds(10) }
    public var isRetrySafe: Bool { false }
    public var isRepeatable: Bool { isRetrySafe }
    public var isConcurrencySafe: Bool { true }
    public var endsConversation: Bool { false }
    public var cacheLifetime: Duration? { nil }
    public var cacheScope: String { "" }
    public func fallback(for arguments: JSON) -> ToolResult? { nil }
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

    /// Whether it was given up while it ran, so that nobody knows what it did.
    public var isUncertain: Bool { !success && value["reason"] == Self.timeout }

    static let timeout: JSON = "timeout"
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
