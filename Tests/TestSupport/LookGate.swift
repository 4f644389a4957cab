public import Postgres
import Testing

/// Holds up whoever calls a function that looks, after its look: what others do then comes between a look and what is done upon it,
/// which by chance happens once in a million.
public struct LookGate: Sendable {
    /// What is done by this one does not wait.
    public let connection: PostgresConnection
    private let client: PostgresClient

    /// - Parameter function: a set-returning function of the schema, whose name is its alone. It stays behind the gate, which is open
    ///   afterwards.
    public static func with<Result: Sendable>(
        after function: String, _ client: PostgresClient, _ body: (LookGate) async throws -> Result
    ) async throws -> Result {
        let rows = try await client.query(
            """
            SELECT pg_get_function_arguments(oid), pg_get_function_result(oid),
                array_to_string(ARRAY(SELECT '$' || n FROM generate_series(1, pronargs) AS n), ', ')
            FROM pg_proc WHERE proname = \(function)
            """)
        let (parameters, columns, arguments) = try rows[0].decode(String.self, String.self, String.self)
        try await client.query("ALTER FUNCTION \(unsafe: function) RENAME TO \(unsafe: "ungated_" + function)")
        try await client.query(
            """
            CREATE FUNCTION \(unsafe: "\(function)(\(parameters)) RETURNS \(columns)") LANGUAGE plpgsql STABLE AS $$
            BEGIN
                RETURN QUERY SELECT * FROM \(unsafe: "ungated_\(function)(\(arguments))");
                PERFORM pg_advisory_lock_shared(1);
            END $$
            """)
        return try await client.withConnection { connection in
            try await connection.query("SELECT pg_advisory_lock(1)")
            return try await body(LookGate(connection: connection, client: client))
        }
    }

    /// Returns when so many have looked and wait; a failed test when they do not.
    public func wait(for count: Int) async throws {
        let waiting: PostgresQuery = """
            SELECT FROM pg_locks JOIN pg_database d ON d.oid = database
            WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()
            """
        let all = try await eventually { try await client.query(waiting).count >= count }
        try #require(all, "not \(count) have looked")
    }

    public func open() async throws { try await connection.query("SELECT pg_advisory_unlock_all()") }
}
