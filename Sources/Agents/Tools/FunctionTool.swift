public import Platform

/// A tool made of a closure: with a schema that is given and JSON arguments, or with a Swift type that both follow from.
///
/// What it declares of itself has the defaults of `Tool` and may be changed before it is registered.
public struct FunctionTool: Tool {
    public var description: ToolDescription
    public var timeout: Duration
    public var isRetrySafe: Bool
    public var isRepeatable: Bool
    public var isConcurrencySafe: Bool
    public var endsConversation: Bool
    public var cacheLifetime: Duration?
    public var cacheScope = ""
    /// Answered when the tool failed or did not answer in time.
    public var fallback: ToolResult?
    private let body: @Sendable (JSON) async throws -> ToolResult

    /// - Parameter isRepeatable: as `isRetrySafe` unless given.
    public init(
        _ name: String, _ description: String, parameters: JSON = ["type": "object", "properties": [:]],
        timeout: Duration = .seconds(10), isRetrySafe: Bool = false, isRepeatable: Bool? = nil,
        isConcurrencySafe: Bool = true, endsConversation: Bool = false, cacheLifetime: Duration? = nil,
        body: @escaping @Sendable (JSON) async throws -> ToolResult
    ) {
        self.description = ToolDescription(name: name, description: description, parameters: parameters)
        self.timeout = timeout
        self.isRetrySafe = isRetrySafe
        self.isRepeatable = isRepeatable ?? isRetrySafe
        self.isConcurrencySafe = isConcurrencySafe
        self.endsConversation = endsConversation
        self.cacheLifetime = cacheLifetime
        self.body = body
    }

    /// A typed tool: the parameters' schema is derived from `Arguments`, and what `body` returns is the success that the
    /// model reads, as JSON. A body that returns `ToolResult` decides for itself what is a success.
    ///
    /// Throws when no schema can be derived; see `JSONSchema.init(of:)`.
    public init<Arguments: Decodable & Sendable, Output: Encodable & Sendable>(
        _ name: String, _ description: String, taking: Arguments.Type,
        timeout: Duration = .seconds(10), isRetrySafe: Bool = false, isRepeatable: Bool? = nil,
        isConcurrencySafe: Bool = true, endsConversation: Bool = false, cacheLifetime: Duration? = nil,
        body: @escaping @Sendable (Arguments) async throws -> Output
    ) throws(JSONSchemaError) {
        self.init(
            name, description, parameters: try JSONSchema(of: Arguments.self).root, timeout: timeout,
            isRetrySafe: isRetrySafe, isRepeatable: isRepeatable, isConcurrencySafe: isConcurrencySafe,
            endsConversation: endsConversation, cacheLifetime: cacheLifetime
        ) { arguments in
            let decoded: Arguments
            do {
                decoded = try arguments.decode()
            } catch let error as DecodingError {
                throw ToolError(error.problem(in: "arguments"))
            }
            let output = try await body(decoded)
            return try output as? ToolResult ?? ToolResult(success: true, value: JSON(encoding: output))
        }
    }

    public func execute(_ arguments: JSON) async throws -> ToolResult { try await body(arguments) }

    public func fallback(for arguments: JSON) -> ToolResult? { fallback }

    /// For a body whose work is synchronous and takes its time: runs it on a thread of its own, since those that tasks
    /// share are as few as the cores. It cannot be interrupted, only no longer waited for.
    public static func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await OwnThread.run { Result { try work() } }.get()
    }
}

extension DecodingError {
    /// What is wrong and where, such as `arguments.guests[0].email is required`.
    func problem(in name: String) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.reduce(name) { $0 + ($1.intValue.map { "[\($0)]" } ?? ".\($1.stringValue)") }
        }
        switch self {
        case .keyNotFound(let key, let context): return "\(place(context.codingPath + [key])) is required"
        case .valueNotFound(_, let context): return "\(place(context.codingPath)) must not be null"
        case .typeMismatch(let type, let context): return "\(place(context.codingPath)) is not of type \(type)"
        case .dataCorrupted(let context):
            return "\(place(context.codingPath)) cannot be used: \(context.debugDescription)"
        @unknown default: return "\(name) cannot be read"
        }
    }
}
