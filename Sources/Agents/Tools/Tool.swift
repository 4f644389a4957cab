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
    /// Whether it may run beside the other calls of the same round. One that may not runs alone: after the calls that the model
    /// wrote before it, before those after it.
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

    /// A failure of which nobody knows whether it was done all the same: the same call again in the run gets this result.
    /// The mark stands in `value`, where a record of the call keeps it.
    public static func uncertain(_ problem: String) -> ToolResult {
        ToolResult(success: false, value: ["success": false, "reason": uncertain, "error": .string(problem)])
    }

    /// Whether nobody knows what it did: it was given up while it ran, or says so itself.
    public var isUncertain: Bool {
        !success && [Self.timeout, Self.uncertain].contains(value["reason"])
    }

    static let timeout: JSON = "timeout"
    /// The `reason` in the value of a failure that may have been done.
    public static let uncertain: JSON = "uncertain"
}

/// A failure whose message is for the model.
public struct ToolError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    /// Whether doing the same again may succeed.
    public var isTransient: Bool
    /// Whether nobody knows if it was done all the same: a tool that is not repeatable is then not executed again by the
    /// same call.
    public var isUncertain: Bool

    public init(_ message: String, isTransient: Bool = false, isUncertain: Bool = false) {
        self.message = message
        self.isTransient = isTransient
        self.isUncertain = isUncertain
    }

    public var description: String { message }
}
