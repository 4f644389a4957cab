import Jobs
import Platform
import Postgres
import Testing

extension JobBench {
    /// Rows of the history, as if so many jobs had ended like this, a second apart, the last one just now. Returns their ids.
    @discardableResult
    func ended(
        _ state: String, count: Int = 1, kind: String = "work", queue: String = "default", key: String? = nil,
        uniqueKey: String? = nil
    ) async throws -> [JobID] {
        try await column(
            """
            INSERT INTO finished_jobs (id, enqueued_at, run_at, finished_at, state, priority, attempt, max_attempts, rescues,
                kind, queue, key, unique_key, error, arguments)
            SELECT nextval(pg_get_serial_sequence('jobs', 'id')), at, at, at, \(state)::job_state, 7, 3, 3, 0, \(kind),
                \(queue), \(key), \(uniqueKey), CASE \(state) WHEN 'completed' THEN NULL ELSE 'broken' END,
                jsonb_build_object('name', 'n' || number)
            FROM (SELECT number, clock_timestamp() - (\(count) - number) * interval '1 s' AS at
                FROM generate_series(1, \(count)) AS number) AS numbered
            ORDER BY at
            RETURNING id
            """)
    }

    /// The message and hint with which the server refuses the statement; a failed test when it does not.
    func refusal(of query: PostgresQuery) async throws -> (state: String, text: String) {
        do {
            try await sql(query)
        } catch let error as PostgresError {
            return (error.sqlState ?? "", [error.message, error.hint ?? "no hint"].joined(separator: ". "))
        }
        Issue.record("not refused: \(query.sql)")
        return ("", "")
    }

    /// Returns once a statement in this database waits for a lock.
    func untilSomebodyWaits() async throws {
        try await until(
            """
            SELECT count(*) > 0 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'
            """)
    }

    /// What one transaction that runs the statement reads of the queue's own tables.
    func reads(of query: PostgresQuery) async throws -> (sequentialScans: Int, rows: Int) {
        try await client.withTransaction { connection in
            // They begin with what earlier transactions of the connection read and have not reported yet.
            let before = try await readCounters(connection)
            try await connection.query(query)
            let after = try await readCounters(connection)
            return (after.0 - before.0, after.1 - before.1)
        }
    }

    private func readCounters(_ connection: PostgresConnection) async throws -> (Int, Int) {
        let counters: PostgresQuery = """
            SELECT coalesce(sum(seq_scan), 0)::bigint, coalesce(sum(seq_tup_read) + sum(idx_tup_fetch), 0)::bigint
            FROM pg_stat_xact_user_tables WHERE relname ~ '^(finished_)?jobs'
            """
        return try #require(try await connection.query(counters).first).decode(Int.self, Int.self)
    }
}
