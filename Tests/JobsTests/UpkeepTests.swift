import Jobs
import Platform
import Postgres
import Testing

@Suite("Schedules, history, plans", .timeLimit(.minutes(2)))
struct UpkeepTests {
    @Test("Five workers enqueue each tick of a schedule once")
    func schedule() async throws {
        try await JobBench.with { bench in
            let runs = Journal<JobID>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                runs.record(context.id)
                return .completed()
            }
            registry.every(.milliseconds(250), name: "often", Work())
            try await bench.withWorkers(registry, count: 5) { await runs.wait(forCount: 6) }
            let (ticks, distinct, jobs) = try #require(
                await bench.sql("SELECT count(*), count(DISTINCT tick), count(DISTINCT job_id) FROM schedule_ticks")
                    .first
            ).decode(Int.self, Int.self, Int.self)
            #expect(ticks >= 6)
            #expect(distinct == ticks)
            #expect(jobs <= ticks)
            #expect(Set(runs.entries).count == runs.entries.count)
        }
    }

    @Test("A tick is passed over while the job of an earlier one still waits")
    func ticksDoNotPileUp() async throws {
        try await JobBench.with { bench in
            let tick: PostgresQuery = """
                SELECT enqueued FROM enqueue_tick('s', interval '1 ms', 'work', '{"name": ""}', 'default', 100, 5)
                """
            for _ in 0..<20 { try await bench.sql(tick) }
            #expect(try await bench.value("SELECT count(*) > 1 FROM schedule_ticks", Bool.self))
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == 1)
        }
    }

    @Test("Partitions of the history are made ahead and dropped when old; the default one catches the rest")
    func history() async throws {
        try await JobBench.with { bench in
            let partitions: PostgresQuery = """
                SELECT count(*) FROM pg_inherits WHERE inhparent = 'finished_jobs'::regclass
                """
            #expect(try await bench.value(partitions, Int.self) == 5)
            // The database may have been made before midnight.
            try await bench.sql("SELECT maintain_history(interval '14 days')")
            let kept = try await bench.value(partitions, Int.self)
            try await bench.sql(
                """
                CREATE TABLE finished_jobs_20200101 PARTITION OF finished_jobs
                FOR VALUES FROM ('2020-01-01 00:00Z') TO ('2020-01-02 00:00Z')
                """)
            let insert: PostgresQuery = """
                INSERT INTO finished_jobs (id, enqueued_at, run_at, finished_at, state, priority, attempt, max_attempts,
                    rescues, kind, queue, arguments)
                SELECT 1, at, at, at, 'completed', 1, 1, 1, 0, 'work', 'default', '{}'
                FROM unnest(ARRAY['2020-01-01 12:00Z', '2020-01-05 12:00Z', now() + interval '4 days']::timestamptz[])
                    AS at
                """
            try await bench.sql(insert)
            #expect(try await bench.value("SELECT count(*) FROM finished_jobs_default", Int.self) == 2)
            let row = try await bench.sql("SELECT * FROM maintain_history(interval '14 days')").first
            #expect(try #require(row).decode(Int.self, Int.self) == (0, 1))
            #expect(try await bench.value(partitions, Int.self) == kept)
            #expect(try await bench.value("SELECT count(*) FROM finished_jobs", Int.self) == 1)
            // A day whose rows are in the default partition already stays there.
            try await bench.sql("DROP TABLE \(unsafe: try await lastPartition(bench))")
            try await bench.sql("UPDATE finished_jobs_default SET finished_at = now() + interval '3 days'")
            let again = try await bench.sql("SELECT * FROM maintain_history(interval '14 days')").first
            #expect(try #require(again).decode(Int.self, Int.self) == (0, 0))
        }
    }

    private func lastPartition(_ bench: JobBench) async throws -> String {
        try await bench.value(
            "SELECT max(relname::text) FROM pg_class WHERE relkind = 'r' AND relname ~ '^finished_jobs_[0-9]{8}$'")
    }

    @Test("With hundreds of thousands of jobs waiting, here and elsewhere, a claim reads a handful of pages")
    func claimPlan() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            // Plans are made while the table is empty, as in a new installation.
            try await bench.client.withConnection { connection in
                let claim: PostgresQuery = "SELECT id FROM claim_jobs(\(worker), 'default', ARRAY['work'], 10)"
                for _ in 0..<10 { try await connection.query(claim) }
                try await connection.query(
                    """
                    INSERT INTO jobs (kind, queue, arguments)
                    SELECT 'work', CASE WHEN n % 2 = 0 THEN 'default' ELSE 'elsewhere' END, '{"name": ""}'
                    FROM generate_series(1, 400000) AS n
                    """)
                let plan = try await connection.query(
                    PostgresQuery(unsafe: "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + claim.sql, binds: claim.binds))
                let buffers = try #require(try plan.first?.decode(JSON.self)[0]?["Plan"])
                let pages = (buffers["Shared Hit Blocks"]?.integer ?? 0) + (buffers["Shared Read Blocks"]?.integer ?? 0)
                // Ten descents of four indexes and ten rows; a scan would be thousands.
                #expect(pages < 400)
            }
        }
    }
}
