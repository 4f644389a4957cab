import Jobs
import Platform
import Postgres
import Testing

@Suite("Counts of queues", .timeLimit(.minutes(2)))
struct QueueCountTests {
    private func counts(of queue: String, _ bench: JobBench) async throws -> JSON {
        try await bench.value("SELECT to_jsonb(counts) FROM queue_counts() AS counts WHERE queue = \(queue)")
    }

    @Test("Each state of each queue is counted, whether or not anybody serves the queue")
    func states() async throws {
        try await JobBench.with { bench in
            try await bench.sql(
                """
                SELECT enqueue_job('work', queue => 'calls', key => 'a') FROM generate_series(1, 3)
                """)
            try await bench.sql("SELECT enqueue_job('work', queue => 'calls', run_at => now() + interval '1 h')")
            try await bench.sql("SELECT enqueue_job('work') FROM generate_series(1, 4)")
            try await bench.sql("SELECT create_batch('work', queue => 'after')")
            try await bench.sql("SELECT set_limit('one', 0), set_limit('two', 0)")
            try await bench.sql(
                "SELECT enqueue_job('work', queue => 'slow', limits => ARRAY[l]) FROM unnest(ARRAY['one', 'two', 'two']) AS l"
            )
            let worker = try await bench.registerWorker()
            try await bench.sql("SELECT claim_jobs(\(worker), 'default', ARRAY['work'], 3)")
            let calls = try await counts(of: "calls", bench)
            #expect(
                calls["available"] == 1 && calls["blocked"] == 2 && calls["scheduled"] == 1 && calls["running"] == 0)
            #expect(calls["workers"] == 0 && calls["more"] == [] && calls["next_due_at"]?.string != nil)
            let plain = try await counts(of: "default", bench)
            #expect(plain["available"] == 1 && plain["running"] == 3 && plain["workers"] == 1)
            let after = try await counts(of: "after", bench)
            #expect(after["waiting"] == 1 && after["available"] == 0 && after["oldest_wait_seconds"] == .null)
            #expect(
                try await bench.column("SELECT queue FROM queue_counts()") == ["after", "calls", "default", "slow"])
            let slow = try await counts(of: "slow", bench)
            #expect(slow["limited"] == 3 && slow["available"] == 0)
        }
    }

    @Test("A queue shows since when it is paused, and only workers that live and take jobs")
    func service() async throws {
        try await JobBench.with { bench in
            for name in ["living", "dead", "stopping"] {
                try await bench.sql("SELECT register_worker(\(name), ARRAY['a', 'b'], ARRAY['work'], interval '1 h')")
            }
            try await bench.sql("UPDATE workers SET stopping = true WHERE name = 'stopping'")
            // Its heart has not beaten since the server started, and for longer than it may.
            try await bench.sql("UPDATE workers SET dead_after = interval '1 us' WHERE name = 'dead'")
            try await bench.sql("SELECT pause_queue('a')")
            let (a, b) = (try await counts(of: "a", bench), try await counts(of: "b", bench))
            #expect(a["workers"] == 1 && b["workers"] == 1)
            #expect(a["paused_at"]?.string != nil && b["paused_at"] == .null)
        }
    }

    @Test("The oldest wait is that of the job that is available for longest, and nothing where none is")
    func oldest() async throws {
        try await JobBench.with { bench in
            try await bench.sql("SELECT pause_queue('empty')")
            try await bench.sql("SELECT enqueue_job('work', priority => p) FROM unnest(ARRAY[1, 100, 5]) AS p")
            try await bench.sql("UPDATE jobs SET run_at = now() - priority * interval '1 min'")
            let age = try #require(try await counts(of: "default", bench)["oldest_wait_seconds"]?.number)
            #expect((6000.0..<6060).contains(age))
            #expect(try await counts(of: "empty", bench)["oldest_wait_seconds"] == .null)
        }
    }

    @Test("Of 40,000 jobs that wait for limits, in 20 lanes, no more than 10,000 are counted and read")
    func limited() async throws {
        try await JobBench.with { bench in
            try await bench.sql(
                """
                SELECT set_limit('l' || n, 0), enqueue_job('work', limits => ARRAY['l' || n]) FROM generate_series(1, 20) AS n
                """)
            try await bench.sql(
                """
                INSERT INTO jobs (kind, state, lane)
                SELECT 'work', 'limited', 1 + n % 20 FROM generate_series(1, 39980) AS n
                """)
            let plain = try await counts(of: "default", bench)
            #expect(plain["limited"] == 10_000 && plain["more"] == ["limited"])
            let reads = try await bench.reads(of: "SELECT * FROM queue_counts()")
            #expect(reads.sequentialScans == 0 && (10_001...10_100).contains(reads.rows))
        }
    }

    @Test(
        "With 100,000 jobs waiting and 100,000 ended it counts to 10,000, says that there are more, and scans no table")
    func bound() async throws {
        try await JobBench.with { bench in
            try await bench.ended("completed", count: 100_000)
            try await bench.sql(
                """
                INSERT INTO jobs (kind, queue, key, state, priority, run_at, arguments)
                SELECT 'work', CASE WHEN n % 4 = 0 THEN 'other' ELSE 'default' END, 'k' || n, state::job_state,
                    CASE n WHEN 99996 THEN 32767 ELSE 100 END, now() - n * interval '1 s', '{}'
                FROM (SELECT n, CASE n / 2 % 4 WHEN 0 THEN 'scheduled' WHEN 1 THEN 'blocked' ELSE 'available' END AS state
                    FROM generate_series(1, 100000) AS n) AS numbered
                """)
            let plain = try await counts(of: "default", bench)
            for state in ["available", "scheduled", "blocked"] { #expect(plain[state] == 10_000) }
            #expect(plain["more"] == ["available", "scheduled", "blocked"])
            let other = try await counts(of: "other", bench)
            #expect(other["more"] == ["available", "scheduled"])
            // Not among the first 10,000: the one with the lowest priority.
            #expect(try #require(other["oldest_wait_seconds"]?.number) > 99_990)

            let reads = try await bench.reads(of: "SELECT * FROM queue_counts()")
            #expect(reads.sequentialScans == 0)
            // Five times 10,001, and the probes that find the queues.
            #expect((50_005...50_100).contains(reads.rows))
            let plan = try await plan(bench)
            #expect(plan.contains { $0.contains("jobs_to_claim") })
            #expect(!plan.contains { $0.contains("Seq Scan on jobs") || $0.contains("finished_jobs") })
        }
    }

    /// Of the function's own statement, under the function's own settings.
    private func plan(_ bench: JobBench) async throws -> [String] {
        let (body, settings) = try #require(
            try await bench.sql("SELECT prosrc, proconfig FROM pg_proc WHERE proname = 'queue_counts'").first
        ).decode(String.self, [String].self)
        return try await bench.client.withTransaction { connection in
            for setting in settings {
                try await connection.query(
                    "SELECT set_config(split_part(\(setting), '=', 1), split_part(\(setting), '=', 2), true)")
            }
            return try await connection.query(PostgresQuery(unsafe: "EXPLAIN " + body)).map {
                try $0.decode(String.self)
            }
        }
    }
}
