import Postgres

/// Whether a queue drains as fast after ten million finished jobs, and while a snapshot is held open, as in a fresh database.
enum Growth {
    static let subject = Subject(
        name: "growth",
        summary: "the drain rate after 10,000,000 finished jobs, and with a held snapshot, as ratios to fresh",
        run: run)

    private static let jobs = 200_000
    private static let finished = 10_000_000
    private static let rounds = 5

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let grownURL = try await bench.database("grown")
        Report.note("  \(finished) finished jobs")
        try await finish(bench, grownURL)
        let fresh = Drain(bench, database: try await bench.database("fresh"))
        let grown = Drain(bench, database: grownURL)
        let heldURL = try await bench.database("held")
        let held = Drain(bench, database: heldURL)
        let holder = bench.client(heldURL, connections: 1)
        var rates = (fresh: [Double](), grown: [Double](), held: [Double]())
        for round in 1...rounds {
            Report.note("  round \(round) of \(rounds)")
            rates.fresh.append(try await drain(fresh))
            rates.grown.append(try await drain(grown))
            rates.held.append(try await drain(held, whileHolding: holder))
        }
        await holder.close()
        for drain in [fresh, grown, held] { await drain.close() }
        return [
            Figure(name: "drained by one worker, fresh", value: rates.fresh.median, unit: "jobs/s"),
            Figure(
                name: "after 10,000,000 finished ÷ fresh", value: rates.grown.median / rates.fresh.median, unit: "",
                bar: .atLeast(0.95)),
            Figure(
                name: "with a held snapshot ÷ fresh", value: rates.held.median / rates.fresh.median, unit: "",
                bar: .atLeast(0.8)),
        ]
    }

    private static func drain(_ drain: Drain) async throws -> Double {
        _ = try await drain.fill(jobs)
        return try await drain.run(jobs)
    }

    /// The snapshot is older than every job, so nothing that the drain leaves behind can be removed meanwhile.
    private static func drain(_ drain: Drain, whileHolding holder: PostgresClient) async throws -> Double {
        _ = try await drain.fill(jobs)
        return try await holder.withConnection { connection in
            try await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
            try await connection.query("SELECT count(*) FROM queues")
            let rate = try await drain.run(jobs)
            try await connection.query("ROLLBACK")
            return rate
        }
    }

    private static func finish(_ bench: Bench, _ url: String) async throws {
        let client = bench.client(url, connections: 1)
        try await client.query(
            """
            INSERT INTO finished_jobs (id, enqueued_at, run_at, claimed_at, worker, state, priority, attempt, max_attempts,
                rescues, kind, queue, arguments)
            SELECT nextval('jobs_id_seq'), now(), now(), now(), 1, 'completed', 100, 1, 20, 0, \(NoOperation.kind), 'default',
                jsonb_build_object('number', n)
            FROM generate_series(1, \(finished)) AS n
            """)
        try await client.query("VACUUM ANALYZE finished_jobs")
        await client.close()
    }
}
