import Platform
import Postgres

/// What the server itself can do: two connections that claim 500 and complete 500, with nothing around it.
struct BareLoop: Sendable {
    private static let batch = 500
    private static let connections = 2

    let client: PostgresClient

    func prepare() async throws {
        try await client.query(
            """
            CREATE TABLE bare_jobs (
                id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                state text NOT NULL DEFAULT 'available',
                queue text NOT NULL DEFAULT 'default',
                priority integer NOT NULL DEFAULT 100,
                kind text NOT NULL,
                arguments jsonb NOT NULL,
                worker bigint,
                attempt integer NOT NULL DEFAULT 0
            )
            """)
        try await client.query(
            "CREATE INDEX bare_jobs_to_claim ON bare_jobs (queue, priority, id) WHERE state = 'available'")
    }

    /// Jobs per second.
    func rate(jobs: Int, deleting: Bool) async throws -> Double {
        try await client.query("TRUNCATE bare_jobs")
        try await client.query(
            """
            INSERT INTO bare_jobs (kind, arguments)
            SELECT 'no_operation', jsonb_build_object('number', n) FROM generate_series(1, \(jobs)) AS n
            """)
        try await client.query("VACUUM ANALYZE bare_jobs")
        try await client.query("CHECKPOINT")
        let stopwatch = Stopwatch()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 1...Self.connections {
                group.addTask { try await loop(worker, deleting: deleting) }
            }
            try await group.waitForAll()
        }
        return Double(jobs) / stopwatch.elapsed.inSeconds
    }

    private func loop(_ worker: Int, deleting: Bool) async throws {
        try await client.withConnection { connection in
            while true {
                let claimed = try await connection.query(Self.claim(worker))
                let ids = try claimed.map { try $0.decode(Int64.self) }
                if ids.isEmpty { return }
                try await connection.query(deleting ? Self.delete(ids) : Self.complete(ids))
            }
        }
    }

    private static func claim(_ worker: Int) -> PostgresQuery {
        """
        WITH next AS MATERIALIZED (
            SELECT id FROM bare_jobs WHERE queue = 'default' AND state = 'available'
            ORDER BY priority, id LIMIT \(batch) FOR UPDATE SKIP LOCKED
        )
        UPDATE bare_jobs SET state = 'running', worker = \(worker), attempt = attempt + 1
        FROM next WHERE bare_jobs.id = next.id
        RETURNING bare_jobs.id, kind, arguments
        """
    }

    private static func complete(_ ids: [Int64]) -> PostgresQuery {
        "UPDATE bare_jobs SET state = 'completed' WHERE id = ANY (\(ids))"
    }

    private static func delete(_ ids: [Int64]) -> PostgresQuery { "DELETE FROM bare_jobs WHERE id = ANY (\(ids))" }
}
