import Jobs
import Platform
import Postgres
import Testing

@Suite("Schedules that the code declares, and workers that tick", .timeLimit(.minutes(2)))
struct DeclaredScheduleTests {
    /// As a worker does when it starts, and once a minute.
    private func declare(_ bench: JobBench, _ worker: Int64, _ cron: String) async throws -> Bool {
        try await bench.value(
            """
            SELECT declare_schedule(\(worker), 'report', \(cron), 'work', '{"name": ""}', 'UTC', 'default', 100, 5,
                interval '1 hour', false)
            """)
    }

    private func cron(_ bench: JobBench) async throws -> String {
        try await bench.value("SELECT cron FROM schedules WHERE name = 'report'")
    }

    @Test("Ten workers make one row of a declared schedule, and one job of each tick, which runs once")
    func tenWorkers() async throws {
        try await JobBench.with { bench in
            let runs = Journal<JobID>()
            var registry = JobRegistry()
            registry.register(Work.self) { job, context in
                #expect(job.name == "nightly")
                runs.record(context.id)
                return .completed()
            }
            for number in 0..<5 {
                registry.cron(
                    "* * * * *", timezone: "America/Mexico_City", name: "s\(number)", overlap: true,
                    Work(name: "nightly"))
            }
            try await bench.withWorkers(registry, count: 10) {
                try await bench.until("SELECT count(*) = 5 FROM schedules")
                // Due at once: the tick of this minute.
                try await bench.sql("UPDATE schedules SET next_run_at = date_trunc('minute', clock_timestamp())")
                await runs.wait { Set($0).count >= 5 }
            }
            let asDeclared: PostgresQuery = """
                SELECT bool_and(timezone = 'America/Mexico_City' AND max_attempts = 5 AND overlap) FROM schedules
                """
            #expect(try await bench.value(asDeclared, Bool.self))
            let (ticks, jobs) = try #require(
                await bench.sql("SELECT count(*), count(DISTINCT job_id) FROM schedule_ticks").first
            ).decode(Int.self, Int.self)
            #expect(ticks == jobs)
            #expect(Set(runs.entries).count == runs.entries.count && runs.entries.count <= ticks)
        }
    }

    @Test("A worker ticks schedules that it does not declare, when they were set while it runs")
    func setLater() async throws {
        try await JobBench.with { bench in
            let runs = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { job, _ in
                runs.record(job.name)
                return .completed()
            }
            try await bench.withWorkers(registry) {
                try await bench.until("SELECT count(*) = 1 FROM workers")
                try await bench.sql(
                    #"SELECT set_schedule('later', '* * * * *', 'work', '{"name": "from SQL"}')"#)
                try await bench.sql("UPDATE schedules SET next_run_at = date_trunc('minute', clock_timestamp())")
                await runs.wait(forCount: 1)
            }
            #expect(runs.entries.first == "from SQL")
        }
    }

    @Test("A declaration that the database refuses keeps neither the others nor the worker from working")
    func refused() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            registry.cron("61 * * * *", name: "wrong", Work())
            registry.cron("0 9 * * *", timezone: "Mars/Olympus", name: "elsewhere", Work())
            registry.cron("0 9 * * *", name: "right", Work())
            try await bench.withWorkers(registry) {
                try await bench.until("SELECT count(*) = 1 FROM schedules")
                let id = try await bench.queue.enqueue(Work())
                #expect(try await bench.end(of: id).state == .completed)
            }
            #expect(try await bench.column("SELECT name FROM schedules", String.self) == ["right"])
        }
    }

    @Test("Of two versions side by side the newer one's definition stands, however often the older one starts")
    func newestWins() async throws {
        try await JobBench.with { bench in
            let old = try await bench.registerWorker()
            #expect(try await declare(bench, old, "0 1 * * *"))
            let new = try await bench.registerWorker()
            #expect(try await declare(bench, new, "0 2 * * *"))
            for _ in 0..<5 {
                // The old version again, restarted or not, and then the new one.
                #expect(try await !declare(bench, old, "0 1 * * *"))
                let restarted = try await bench.registerWorker()
                #expect(try await !declare(bench, restarted, "0 1 * * *"))
                #expect(try await !declare(bench, new, "0 2 * * *"))
            }
            #expect(try await cron(bench) == "0 2 * * *")
        }
    }

    @Test("When the last worker of the newer version is gone, as after a rollback, the older one's definition is back")
    func rollback() async throws {
        try await JobBench.with { bench in
            let old = try await bench.registerWorker()
            let new = try await bench.registerWorker()
            _ = try await declare(bench, old, "0 1 * * *")
            _ = try await declare(bench, new, "0 2 * * *")
            try await bench.sql("DELETE FROM workers WHERE id = \(new)")
            #expect(try await declare(bench, old, "0 1 * * *"))
            #expect(try await cron(bench) == "0 1 * * *")
            // And forward again.
            let newer = try await bench.registerWorker()
            #expect(try await declare(bench, newer, "0 2 * * *"))
            #expect(try await !declare(bench, old, "0 1 * * *"))
            #expect(try await cron(bench) == "0 2 * * *")
        }
    }

    @Test("What an operator sets stands until the code's definition changes")
    func operatorWins() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            #expect(try await declare(bench, worker, "0 1 * * *"))
            try await bench.sql("SELECT set_schedule('report', '30 4 * * *', 'work')")
            let restarted = try await bench.registerWorker()
            #expect(try await !declare(bench, restarted, "0 1 * * *"))
            #expect(try await cron(bench) == "30 4 * * *")
            #expect(try await declare(bench, restarted, "0 3 * * *"))
            #expect(try await cron(bench) == "0 3 * * *")
        }
    }

    @Test("A schedule that living workers declare is paused, not removed; without them it is removed")
    func removal() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            _ = try await declare(bench, worker, "0 1 * * *")
            let error = await #expect(throws: PostgresError.self) {
                try await bench.sql("SELECT remove_schedule('report')")
            }
            #expect(error?.sqlState == "23001" && error?.hint?.contains("pause_schedule") == true)
            try await bench.sql("SELECT pause_schedule('report')")
            _ = try await declare(bench, worker, "0 2 * * *")
            #expect(try await bench.value("SELECT paused_at IS NOT NULL FROM schedules", Bool.self))
            try await bench.sql("DELETE FROM workers")
            try await bench.sql("SELECT remove_schedule('report')")
            #expect(try await bench.value("SELECT count(*) FROM schedules, schedule_declarations", Int.self) == 0)
        }
    }
}
