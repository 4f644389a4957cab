import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Health", .timeLimit(.minutes(2)))
struct HealthTests {
    /// The figures now, by name and queue.
    private func measure(_ bench: JobBench, _ query: PostgresQuery = "SELECT * FROM health('0')") async throws
        -> [String: Double]
    {
        try await bench.sql(query).reduce(into: [:]) { figures, row in
            let (name, queue, value) = try row.decode(String.self, String.self, Double.self)
            figures[queue.isEmpty ? name : "\(name) \(queue)"] = value
        }
    }

    @Test("An old snapshot shows in its age, and is gone with its transaction")
    func oldestSnapshot() async throws {
        try await JobBench.with { bench in
            #expect(try await measure(bench)["oldest_snapshot_seconds"] == 0)
            try await bench.client.withConnection { holder in
                try await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
                try await holder.query("SELECT count(*) FROM jobs")
                // Transactions that the holder's snapshot does not see.
                for _ in 0..<5 { try await bench.queue.enqueue(Work()) }
                let first = try await measure(bench)
                let second = try await measure(bench)
                let age = try #require(first["oldest_snapshot_seconds"])
                #expect(age > 0)
                #expect(try #require(second["oldest_snapshot_seconds"]) > age)
                #expect(try #require(first["oldest_xmin_transactions"]) >= 5)
                try await holder.query("ROLLBACK")
            }
            #expect(try await measure(bench)["oldest_snapshot_seconds"] == 0)
        }
    }

    @Test("The oldest waiting job of each queue counts, whatever its priority, and one for later does not")
    func oldestWait() async throws {
        try await JobBench.with { bench in
            try await bench.sql("INSERT INTO queues (name) VALUES ('calls'), ('idle')")
            for (queue, priority, age) in [("calls", 10, 5), ("calls", 100, 600), ("calls", 20, 50)] {
                try await bench.sql(
                    """
                    INSERT INTO jobs (kind, queue, priority, run_at)
                    VALUES ('work', \(queue), \(Int32(priority)), now() - \(Int32(age)) * interval '1 s')
                    """)
            }
            try await bench.sql(
                """
                INSERT INTO jobs (kind, queue, state, run_at)
                VALUES ('work', 'calls', 'scheduled', now() - interval '1 day')
                """)
            let figures = try await measure(bench)
            let oldest = try #require(figures["queue_oldest_wait_seconds calls"])
            #expect(oldest >= 600 && oldest < 900)
            #expect(figures["queue_waiting calls"] == 3)
            #expect(figures["queue_oldest_wait_seconds idle"] == 0)
            #expect(figures["queue_waiting idle"] == 0)
        }
    }

    @Test("What waits for a limit is late when no living worker serves its queue")
    func unserved() async throws {
        try await JobBench.with { bench in
            try await bench.sql("SELECT set_limit('lines', slots => 5)")
            try await bench.sql("SELECT enqueue_job('work', queue => 'calls', limits => '{lines}')")
            try await bench.sql("UPDATE jobs SET run_at = now() - interval '100 s' WHERE state = 'limited'")
            let late = try #require(try await measure(bench)["queue_oldest_wait_seconds calls"])
            #expect(late >= 100 && late < 400)
            let worker = try await bench.value(
                "SELECT register_worker('test', '{calls}', '{work}', interval '1 h')", Int64.self)
            #expect(try await measure(bench)["queue_oldest_wait_seconds calls"] == 0)
            try await bench.sql("UPDATE workers SET heartbeat_at = now() - interval '1 day' WHERE id = \(worker)")
            #expect(try #require(try await measure(bench)["queue_oldest_wait_seconds calls"]) >= 100)
        }
    }

    @Test("What waits is counted up to ten thousand")
    func boundedDepth() async throws {
        try await JobBench.with { bench in
            try await bench.sql("INSERT INTO queues (name) VALUES ('default')")
            try await bench.sql("INSERT INTO jobs (kind) SELECT 'work' FROM generate_series(1, 30000)")
            #expect(try await measure(bench)["queue_waiting default"] == 10_000)
        }
    }

    @Test("A worker whose heartbeat is not heard is dead, and no longer alive")
    func deadWorkers() async throws {
        try await JobBench.with { bench in
            _ = try await bench.registerWorker()
            let dead = try await bench.registerWorker()
            try await bench.sql(
                "UPDATE workers SET heartbeat_at = now() - interval '1 day' WHERE id = \(dead)")
            let figures = try await measure(bench)
            #expect(figures["workers_alive"] == 1 && figures["workers_dead"] == 1)
        }
    }

    @Test("However many ask, it is measured once in its time, and nobody waits for who measures")
    func measuredOnce() async throws {
        try await JobBench.with { bench in
            _ = try await measure(bench)
            let before = try await bench.value("SELECT min(measured_at)::text FROM health_measurements", String.self)
            _ = try await bench.registerWorker()
            try await withThrowingTaskGroup(of: [String: Double].self) { group in
                for _ in 0..<8 {
                    group.addTask { try await measure(bench, "SELECT * FROM health('1 hour')") }
                }
                for try await figures in group { #expect(figures["workers_alive"] == 0) }
            }
            let after = try await bench.value("SELECT min(measured_at)::text FROM health_measurements", String.self)
            #expect(after == before)
            // Somebody measures just now, and takes long.
            try await bench.client.withTransaction { measuring in
                try await measuring.query(
                    "SELECT pg_advisory_xact_lock(hashtextextended('operadora: health', 0))")
                #expect(try await measure(bench)["workers_alive"] == 0)
            }
            #expect(try await measure(bench)["workers_alive"] == 1)
        }
    }

    @Test("A negative age is refused with SQLSTATE class 22 and a hint")
    func refusal() async throws {
        try await JobBench.with { bench in
            let error = await #expect(throws: PostgresError.self) { try await bench.sql("SELECT health('-1 s')") }
            #expect(error?.sqlState == "22023")
            #expect(error?.hint?.contains("interval") == true)
        }
    }

    @Test("Every process exports the figures, whichever of them measured")
    func exported() async throws {
        try await JobBench.with { bench in
            try await bench.sql("INSERT INTO queues (name) VALUES ('default')")
            try await bench.queue.enqueue(Work())
            let registries = [MetricsRegistry(), MetricsRegistry()]
            let running = registries.map { metrics in
                Task {
                    try await QueueHealth(
                        bench.client, interval: .milliseconds(50), metrics: metrics, logger: bench.logger
                    ).run()
                }
            }
            defer { for task in running { task.cancel() } }
            for metrics in registries {
                #expect(
                    try await eventually {
                        _ = try await bench.sql("SELECT 1")
                        let figures = metrics.render()
                        return [
                            #"operadora_queue_waiting{queue="default"} 1"#, "operadora_workers_alive 0",
                            "operadora_oldest_snapshot_seconds",
                        ].allSatisfy(figures.contains)
                    })
            }
        }
    }

    @Test("Pick-up and run times show a millisecond and a hundred seconds in buckets of their own")
    func histograms() {
        let metrics = MetricsRegistry()
        let timer = metrics.timer("t", help: "")
        for duration in [Duration.microseconds(900), .milliseconds(2), .seconds(100), .seconds(200)] {
            timer.record(duration)
        }
        let lines = metrics.render().split(separator: "\n")
        #expect(lines.contains(#"t_bucket{le="0.001"} 1"#))
        #expect(lines.contains(#"t_bucket{le="0.0025"} 2"#))
        #expect(lines.contains(#"t_bucket{le="60"} 2"#))
        #expect(lines.contains(#"t_bucket{le="120"} 3"#))
        #expect(lines.contains(#"t_bucket{le="300"} 4"#))
    }
}
