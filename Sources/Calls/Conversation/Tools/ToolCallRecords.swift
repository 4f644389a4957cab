public import Agents
public import Platform
public import Postgres

/// The durable record of tool calls, of whatever channel: each is a row of `tool_calls`.
public struct ToolCallRecords: Sendable {
    /// What was written.
    public struct Kept: Sendable, Hashable {
        public var id: Int64
        public var name: String
        public var arguments: JSON
        public var result: JSON
    }

    private let postgres: PostgresClient

    public init(_ postgres: PostgresClient) { self.postgres = postgres }

    /// Committed when it returns.
    ///
    /// - Parameters:
    ///   - callID: nil when no call is under way, as for the API.
    ///   - turnNumber: of the agent's utterance that the tool call led to.
    @discardableResult
    public func record(_ execution: ToolExecution, of callID: Int64?, turnNumber: Int?) async throws -> Kept {
        let rows = try await postgres.query(Self.insertion(execution, of: callID, turnNumber: turnNumber))
        let (id, name, arguments, result) = try rows[0].decode(Int64.self, String.self, JSON.self, JSON.self)
        return Kept(id: id, name: name, arguments: arguments, result: result)
    }

    /// What writes the row.
    static func insertion(_ execution: ToolExecution, of callID: Int64?, turnNumber: Int?) -> PostgresQuery {
        // Arguments that are not JSON are kept as the text that they are.
        let arguments = (execution.arguments ?? .string(execution.call.arguments)).storable
        let result = execution.result.value.storable
        let name = CallerSpeech.clean(String(execution.call.name.prefix(64)))
        return """
            INSERT INTO tool_calls (call_id, turn_number, name, arguments, model_call_id, result, success, duration_ms)
            VALUES (\(callID), \(turnNumber), \(name), \(arguments), \(CallerSpeech.clean(execution.call.id)),
                \(result), \(execution.result.success), \(execution.duration.inMilliseconds))
            RETURNING id, name, arguments, result
            """
    }
}

extension JSON {
    /// jsonb cannot hold the character NUL, which a model or a tool may well produce.
    fileprivate var storable: JSON {
        switch self {
        case .string(let text): .string(text.replacing("\0", with: ""))
        case .array(let elements): .array(elements.map(\.storable))
        case .object(let members):
            .object(
                Dictionary(
                    members.map { ($0.key.replacing("\0", with: ""), $0.value.storable) }, uniquingKeysWith: { $1 }))
        case .null, .bool, .integer, .number: self
        }
    }
}
