import FoundationEssentials
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Liveness and leases", .timeLimit(.minutes(2)))
struct LivenessTests {
    @Test("A worker that was declared dead stops its handlers, and works on under a new id")
    func declaredDead() async throws {
        try await JobBench.with { bench in
            let started = Journal<Int>()
            let cancelled = Journal<Int>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                started.record(context.attempt)
                if context.attempt > 1 { return .completed() }
                do {
                    try await sleepUntilCancelled()
                } catch {
                    cancelled.record(context.attempt)
                    throw error
                }
                return .completed()
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work())
                await started.wait(forCount: 1)
                let old = try await bench.value("DELETE FROM workers RETURNING id", Int64.self)
                // Its job is an orphan at once, its new self rescues it.
                #expect(try await bench.end(of: id).state == .completed)
                #expect(started.entries == [1, 2])
                await cancelled.wait(forCount: 1)
                #expect(try await bench.value("SELECT worker FROM finished_jobs", Int64.self) > old)
            }
        }
    }

    @Test("A handler whose job is another's is cancelled by the heartbeat, and its end changes nothing")
    func jobTaken() async throws {
        try await JobBench.with { bench in
            let started = Journal<JobID>()
            let cancelled = Journal<JobID>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                started.record(context.id)
                do {
                    try await sleepUntilCancelled()
                } catch {
                    cancelled.record(context.id)
                    throw error
                }
                return .completed()
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work())
                await started.wait(forCount: 1)
                let other = try await bench.registerWorker()
                try await bench.sql("UPDATE jobs SET worker = \(other), claims = claims + 1 WHERE id = \(id)")
                await cancelled.wait(forCount: 1)
                #expect(try await bench.value("SELECT worker FROM jobs WHERE id = \(id)", Int64.self) == other)
            }
        }
    }

    @Test("A graceful stop lets running jobs finish and gives the rest back unspent")
    func gracefulStop() async throws {
        try await JobBench.with { bench in
            let started = Journal<String>()
            let gate = Gate()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                started.record(work.name)
                if work.name == "finishes" { await gate.pass() } else { try await sleepUntilCancelled() }
                return .completed()
            }
            var configuration = JobBench.quick()
            configuration.drainLimit = .seconds(1)
            let worker = bench.worker(registry, configuration)
            let running = Task { try await worker.run() }
            let finishing = try await bench.queue.enqueue(Work(name: "finishes"))
            let hanging = try await bench.queue.enqueue(Work(name: "hangs"))
            await started.wait(forCount: 2)
            worker.stop()
            // It stops claiming before its row says so.
            try await bench.until("SELECT stopping FROM workers")
            let late = try await bench.queue.enqueue(Work(name: "late"))
            gate.open()
            try await running.value
            #expect(started.entries.contains("late") == false)
            #expect(try await bench.end(of: finishing).state == .completed)
            let rows = try await bench.sql(
                "SELECT id, state::text, attempt, rescues, worker FROM jobs ORDER BY id")
            let left = try rows.map { row in
                let (id, state, attempt, rescues, worker) = try row.decode(
                    Int64.self, String.self, Int.self, Int.self, Int64?.self)
                return "\(id) \(state) \(attempt) \(rescues) \(worker ?? 0)"
            }
            #expect(left == ["\(hanging) available 0 0 0", "\(late) available 0 0 0"])
            #expect(try await bench.value("SELECT count(*) FROM workers", Int.self) == 0)
        }
    }

    @Test("A worker starts, and goes on, while the database is away")
    func startsWithoutDatabase() async throws {
        let warnings = Journal<String>()
        let logger = Logger(label: "tests", level: .warning) { warnings.record($0) }
        var configuration = PostgresConfiguration(connectionString: "host=/nonexistent dbname=none")
        configuration.acquireTimeout = .milliseconds(100)
        let nowhere = PostgresClient(configuration, logger: logger)
        let worker = Worker(
            JobQueue(nowhere, logger: logger), registry: JobRegistry(), configuration: JobBench.quick(),
            metrics: MetricsRegistry(), logger: logger)
        let ended = Journal<Void>()
        let running = Task {
            try await worker.run()
            ended.record(())
        }
        await warnings.wait { $0.filter { $0.contains("polling failed") }.count > 1 }
        #expect(ended.entries.isEmpty)
        worker.stop()
        try await running.value
    }

    @Test("Only its lease can end a job: another worker, another claim or a second end change nothing")
    func fencing() async throws {
        try await JobBench.with { bench in
            let me = try await bench.registerWorker()
            let other = try await bench.registerWorker()
            let id = try await bench.queue.enqueue(Work())
            let claim: PostgresQuery = "SELECT claims FROM claim_jobs(\(me), 'default', ARRAY['work'], 1)"
            let fence = try await bench.value(claim, Int32.self)
            for (worker, fence) in [(other, fence), (me, fence + 1), (me, fence - 1)] {
                let stale = try await bench.value(
                    "SELECT complete_jobs(\(worker), ARRAY[\(id)], ARRAY[\(fence)])", [Int64].self)
                #expect(stale == [id])
                for outcome in ["completed", "failed", "retry", "snooze", "release"] {
                    let stale = try await bench.value(
                        """
                        SELECT stale FROM settle_jobs(\(worker), ARRAY[\(id)], ARRAY[\(fence)], ARRAY[\(outcome)],
                            ARRAY[''], ARRAY[''], ARRAY[0.0::float8], true)
                        """, [Int64].self)
                    #expect(stale == [id])
                }
            }
            #expect(try await bench.value("SELECT state::text FROM jobs", String.self) == "running")
            let mine: PostgresQuery = "SELECT complete_jobs(\(me), ARRAY[\(id)], ARRAY[\(fence)])"
            #expect(try await bench.value(mine, [Int64].self).isEmpty)
            #expect(try await bench.value(mine, [Int64].self) == [id])
        }
    }

    @Test("A worker calls others dead only when its own beats have been heard for as long as they were silent")
    func buriesOnlyWhenSteady() async throws {
        try await JobBench.with { bench in
            let silent = try await bench.registerWorker()
            try await bench.sql("UPDATE workers SET heartbeat_at = now() - interval '1 hour', dead_after = '2 s'")
            try await bench.withWorkers(JobRegistry()) {
                try await bench.until("SELECT NOT EXISTS (SELECT FROM workers WHERE id = \(silent))")
                // Both by the clock of the database, which every worker shares.
                let alive = try await bench.value(
                    "SELECT extract(epoch FROM clock_timestamp() - started_at)::float8 FROM workers", Double.self)
                #expect(alive >= 2)
            }
        }
    }

    @Test("A worker is heard while all of its other connections are taken up")
    func ownHeartbeat() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            // Claims, promotion and the sweep are more statements at a time than the worker has connections for them.
            var configuration = JobBench.quick(Dictionary(uniqueKeysWithValues: (0..<8).map { ("queue \($0)", 1) }))
            configuration.lockTimeout = .seconds(30)
            try await bench.withWorkers(registry, configuration) {
                try await bench.until("SELECT count(*) = 1 FROM workers")
                try await bench.until(
                    """
                    SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database()
                        AND application_name LIKE '% worker' AND query = 'LISTEN "operadora_cancels"'
                    """)
                try await bench.client.withTransaction { connection in
                    try await connection.query("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
                    // A poll that promotes first would wait there, and claim nothing.
                    try await bench.sql(
                        "SELECT pg_notify('operadora_jobs', 'queue ' || n) FROM generate_series(0, 7) AS n")
                    try await bench.until(
                        """
                        SELECT count(*) = 4 FROM pg_stat_activity WHERE datname = current_database()
                            AND application_name LIKE '% worker' AND wait_event_type = 'Lock'
                        """)
                    let taken: Date = try await bench.value("SELECT clock_timestamp()")
                    // Twice as long as a worker may be silent, by the clock that decides it.
                    try await bench.until("SELECT clock_timestamp() > \(taken) + interval '4 s'")
                    #expect(
                        try await bench.value("SELECT heartbeat_at > clock_timestamp() - dead_after FROM workers"))
                }
            }
        }
    }

    @Test("A worker without a row claims nothing")
    func deadClaimsNothing() async throws {
        try await JobBench.with { bench in
            try await bench.queue.enqueue(Work())
            let none = try await bench.sql("SELECT FROM claim_jobs(999, 'default', ARRAY['work'], 1)")
            #expect(none.isEmpty)
        }
    }

    @Test("A job is rescued twice; the third lost worker ends it, by a worker that knows its kind")
    func threeRescues() async throws {
        try await JobBench.with { bench in
            let id = try await bench.queue.enqueue(Work(), .with { $0.maximumAttempts = 100 })
            let rescuer = try await bench.registerWorker()
            for lost in 1...3 {
                let victim = try await bench.registerWorker()
                try await bench.sql("SELECT FROM claim_jobs(\(victim), 'default', ARRAY['work'], 1)")
                try await bench.sql("DELETE FROM workers WHERE id = \(victim)")
                let rescued = try await bench.value("SELECT rescued FROM rescue_jobs(10)", Int.self)
                #expect(rescued == (lost < 3 ? 1 : 0))
                // The second time it waits a little, apart from those it died with.
                #expect(try await bench.value("SELECT wake_job(\(id))", Bool.self) == (lost > 1))
            }
            let ignorant = try await bench.sql("SELECT FROM adopt_jobs(\(rescuer), ARRAY['other'], 10)")
            #expect(ignorant.isEmpty)
            let endings: [String] = try await bench.column(
                "SELECT ending FROM adopt_jobs(\(rescuer), ARRAY['work'], 10)")
            #expect(endings == ["failed"])
        }
    }

    @Test("A run that comes back makes the count of lost workers start again")
    func rescuesInARow() async throws {
        try await JobBench.with { bench in
            let id = try await bench.queue.enqueue(Work(), .with { $0.maximumAttempts = 100 })
            for _ in 1...2 {
                let victim = try await bench.registerWorker()
                try await bench.sql("SELECT FROM claim_jobs(\(victim), 'default', ARRAY['work'], 1)")
                try await bench.sql("DELETE FROM workers WHERE id = \(victim)")
                try await bench.sql("SELECT rescue_jobs(10)")
            }
            try await bench.sql("SELECT wake_job(\(id))")
            let worker = try await bench.registerWorker()
            let fence = try await bench.value(
                "SELECT claims FROM claim_jobs(\(worker), 'default', ARRAY['work'], 1)", Int32.self)
            try await bench.sql(
                """
                SELECT settle_jobs(\(worker), ARRAY[\(id)], ARRAY[\(fence)], ARRAY['retry'], ARRAY[''], ARRAY['e'],
                    ARRAY[0.0::float8], true)
                """)
            #expect(try await bench.value("SELECT rescues FROM jobs", Int.self) == 0)
        }
    }

    @Test("A job that was handed over to be ended is not run again, though the answer was lost")
    func lostHandOver() async throws {
        try await JobBench.with { bench in
            let deaf = try await bench.registerWorker()
            let id = try await bench.queue.enqueue(Work())
            for _ in 1...3 {
                let victim = try await bench.registerWorker()
                try await bench.sql("SELECT wake_job(\(id))")
                try await bench.sql("SELECT claim_jobs(\(victim), 'default', ARRAY['work'], 1)")
                try await bench.sql("DELETE FROM workers WHERE id = \(victim)")
                try await bench.sql("SELECT rescue_jobs(10)")
            }
            func handOver(_ worker: Int64) async throws -> [JobID] {
                try await bench.column("SELECT id FROM adopt_jobs(\(worker), ARRAY['work'], 10)")
            }
            #expect(try await handOver(deaf) == [id])
            // A heartbeat may come before the answer does.
            try await bench.sql("SELECT release_unheld_jobs(\(deaf), ARRAY[]::bigint[], interval '1 hour')")
            #expect(try await bench.value("SELECT worker FROM jobs", Int64.self) == deaf)
            try await bench.sql("SELECT release_unheld_jobs(\(deaf), ARRAY[]::bigint[], interval '0')")
            #expect(try await bench.value("SELECT state::text FROM jobs") == "running")
            let other = try await bench.registerWorker()
            #expect(try await handOver(other) == [id])
        }
    }

    @Test("A job that came too late is ended, though the answer that handed it over was lost")
    func lostLateHandOver() async throws {
        try await JobBench.with { bench in
            let deaf = try await bench.registerWorker()
            let id = try await bench.queue.enqueue(Work(), .with { $0.startWithin = .microseconds(1) })
            func handOver(_ worker: Int64) async throws -> [JobID] {
                try await bench.column("SELECT id FROM adopt_jobs(\(worker), ARRAY['work'], 10)")
            }
            #expect(try await handOver(deaf) == [id])
            try await bench.sql("SELECT release_unheld_jobs(\(deaf), ARRAY[\(id)], interval '0')")
            #expect(try await bench.value("SELECT worker FROM jobs", Int64.self) == deaf)
            try await bench.sql("SELECT release_unheld_jobs(\(deaf), ARRAY[]::bigint[], interval '0')")
            let other = try await bench.registerWorker()
            #expect(try await handOver(other) == [id])
        }
    }

    @Test("What a claim whose answer was lost holds is given back, unspent; what is held or new is not")
    func releaseUnheld() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            for _ in 0..<2 { try await bench.queue.enqueue(Work()) }
            let ids: [JobID] = try await bench.column(
                "SELECT id FROM claim_jobs(\(worker), 'default', ARRAY['work'], 2)")
            let none = try await bench.value(
                "SELECT release_unheld_jobs(\(worker), ARRAY[]::bigint[], interval '1 hour')", Int.self)
            #expect(none == 0)
            let one = try await bench.value(
                "SELECT release_unheld_jobs(\(worker), ARRAY[\(ids[0])], interval '0')", Int.self)
            #expect(one == 1)
            let row = try await bench.sql("SELECT id, attempt FROM jobs WHERE state = 'available'").first
            #expect(try #require(row).decode(Int64.self, Int.self) == (ids[1], 0))
        }
    }

    @Test("A job that a newcomer took between a rescuer's look and its lock stays with the newcomer")
    func newcomers() async throws {
        try await JobBench.with { bench in
            let late = try await bench.registerWorker()
            let lost = try await bench.registerWorker()
            try await bench.queue.enqueue(Work())
            try await bench.queue.enqueue(Work(), .with { $0.maximumAttempts = 1 })
            try await bench.sql("SELECT claim_jobs(\(lost), 'default', ARRAY['work'], 2)")
            try await bench.sql("DELETE FROM workers WHERE id = \(lost)")
            try await LookGate.with(after: "worker_gaps", bench.client) { gate in
                async let rescued = bench.value("SELECT rescued FROM rescue_jobs(10)", Int.self)
                async let adopted: [JobID] = bench.column("SELECT id FROM adopt_jobs(\(late), ARRAY['work'], 10)")
                try await gate.wait(for: 2)
                try await gate.connection.query("SELECT rescue_jobs(10)")
                let newcomer = try await bench.registerWorker()
                try await gate.connection.query("SELECT claim_jobs(\(newcomer), 'default', ARRAY['work'], 1)")
                try await gate.connection.query("SELECT adopt_jobs(\(newcomer), ARRAY['work'], 10)")
                try await gate.open()
                #expect(try await rescued == 0)
                #expect(try await adopted == [])
                let owners: [Int64] = try await bench.column("SELECT worker FROM jobs")
                #expect(owners == [newcomer, newcomer])
            }
        }
    }
}
