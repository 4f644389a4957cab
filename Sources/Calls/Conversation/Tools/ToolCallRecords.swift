public import Agents
import Jobs
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
        let kept = Self.kept(execution.call, execution.arguments)
        let result = execution.result.value.storable
        let rows = try await postgres.query(
            """
            INSERT INTO tool_calls (call_id, turn_number, name, arguments, model_call_id, result, success, duration_ms)
            VALUES (\(callID), \(turnNumber), \(kept.name), \(kept.arguments), \(kept.id), \(result),
                \(execution.result.success), \(execution.duration.inMilliseconds))
            RETURNING id
            """)
        return Kept(
            id: try rows[0].decode(Int64.self), name: kept.name, arguments: kept.arguments, result: result)
    }

    private static func kept(_ call: ToolCall, _ arguments: JSON?) -> (name: String, arguments: JSON, id: String) {
        (
            CallerSpeech.clean(String(call.name.prefix(64))),
            // Arguments that are not JSON are kept as the text that they are.
            (arguments ?? .string(call.arguments)).storable, CallerSpeech.clean(call.id)
        )
    }

    // MARK: tools that are run by themselves

    /// Says durably that the job's tool is about to begin. False when that was said before.
    func begin(_ call: ToolCall, _ arguments: JSON, of callID: Int64?, job: JobID) async throws -> Bool {
        let kept = Self.kept(call, arguments)
        let rows = try await postgres.query(
            """
            INSERT INTO tool_calls (call_id, name, arguments, model_call_id, job_id)
            VALUES (\(callID), \(kept.name), \(kept.arguments), \(kept.id), \(job))
            ON CONFLICT (job_id) WHERE job_id IS NOT NULL DO NOTHING
            RETURNING id
            """)
        return !rows.isEmpty
    }

    /// What writes how it ended.
    static func end(_ execution: ToolExecution, job: JobID) -> PostgresQuery {
        """
        UPDATE tool_calls SET result = \(execution.result.value.storable), success = \(execution.result.success),
            duration_ms = \(execution.duration.inMilliseconds)
        WHERE job_id = \(job)
        """
    }
}
