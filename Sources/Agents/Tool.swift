public import Platform

/// Something that a model may call. The arguments were validated against `description.parameters` before `execute`.
public protocol Tool: Sendable {
    var description: ToolDescription { get }
    /// How long one execution may take.
    var timeout: Duration { get }
    /// Whether a failed execution may be done again by the executor.
    var isRetrySafe: Bool { get }
    func execute(_ arguments: JSON) async throws -> ToolResult
}

extension Tool {
    public var timeout: Duration { .seconds(10) }
    public var isRetrySafe: Bool { false }
}

/// What a tool leaves. `value` goes back to the model as JSON; it is useful to the model even when `success` is false.
public struct ToolResult: Sendable, Hashable, Codable {
    public var success: Bool
    public var value: JSON
    public init(success: Bool, value: JSON) {
        self.success = success
        self.value = value
    }
}
