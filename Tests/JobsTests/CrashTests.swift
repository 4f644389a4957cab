import Glibc
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Crashes", .timeLimit(.minutes(3)))
struct CrashTests {
    @Test("The jobs of a worker that was killed are run by another")
    func killedWorker() async throws {
        try await JobBench.with { bench in
            try await bench.makeRunTables()
            let first = try WorkerProcess.start(bench.url)
            let id = try await bench.queue.enqueue(Recorded(behaviour: "hang"))
            try await bench.until("SELECT EXISTS (SELECT FROM runs)")
            first.kill()
            let second = try WorkerProcess.start(bench.url)
            defer { second.kill() }
            try await bench.until("SELECT count(*) = 2 FROM runs WHERE job_id = \(id)")
            let (attempts, processes, rescues) = try #require(
                await bench.sql(
                    """
                    SELECT array_agg(r.attempt ORDER BY r.attempt), count(DISTINCT r.process), max(j.rescues)
                    FROM runs r JOIN jobs j ON j.id = r.job_id
                    """
                ).first
            ).decode([Int64].self, Int.self, Int.self)
            #expect(attempts == [1, 2])
            #expect(processes == 2)
            #expect(rescues == 1)
        }
    }

    @Test("With the default settings a killed worker's job runs again within 20 s")
    func rescueTime() async throws {
        try await JobBench.with { bench in
            try await bench.makeRunTables()
            let defaults = Worker.Configuration()
            let first = try WorkerProcess.start(
                bench.url, heartbeat: defaults.heartbeat, deadAfter: defaults.deadAfter)
            let second: WorkerProcess
            try await bench.queue.enqueue(Recorded(behaviour: "hang"))
            try await bench.until("SELECT EXISTS (SELECT FROM runs)")
            second = try WorkerProcess.start(bench.url, heartbeat: defaults.heartbeat, deadAfter: defaults.deadAfter)
            defer { second.kill() }
            try await bench.until("SELECT count(*) = 2 FROM workers")
            let killed = Stopwatch()
            first.kill()
            try await bench.until("SELECT count(*) = 2 FROM runs")
            #expect(killed.elapsed < .seconds(20))
        }
    }

    @Test(
        "A job that kills its worker three times, or traps in it, ends, with what its kind does then",
        arguments: ["kill_worker", "trap"])
    func poison(behaviour: String) async throws {
        try await JobBench.with { bench in
            try await bench.makeRunTables()
            let id = try await bench.queue.enqueue(Recorded(behaviour: behaviour))
            for _ in 0..<3 {
                let victim = try WorkerProcess.start(bench.url, deadAfter: .milliseconds(600))
                guard case .signal = try await victim.end() else {
                    Issue.record("the worker has survived its job")
                    return
                }
            }
            let survivor = try WorkerProcess.start(bench.url, deadAfter: .milliseconds(600))
            defer { survivor.kill() }
            let end = try await bench.end(of: id)
            #expect(end.state == .failed)
            #expect(end.error?.contains("three times") == true)
            #expect(try await bench.value("SELECT count(*) FROM runs", Int.self) == 3)
            #expect(try await bench.value("SELECT error FROM failures", String.self) == end.error)
            let other = try await bench.queue.enqueue(Recorded(behaviour: "quick"))
            #expect(try await bench.end(of: other).state == .completed)
        }
    }

    @Test("A frozen worker that wakes after it was declared dead changes nothing, and comes back under a new id")
    func frozenWorker() async throws {
        try await JobBench.with { bench in
            try await bench.makeRunTables()
            let frozen = try WorkerProcess.start(bench.url)
            defer { frozen.kill() }
            let id = try await bench.queue.enqueue(Recorded(behaviour: "hang"))
            try await bench.until("SELECT EXISTS (SELECT FROM runs)")
            let oldID = try await bench.value("SELECT id FROM workers", Int64.self)
            frozen.freeze()
            let other = try WorkerProcess.start(bench.url)
            defer { other.kill() }
            try await bench.until("SELECT count(*) = 2 FROM runs")
            frozen.thaw()
            try await bench.until("SELECT count(*) = 2 AND min(id) > \(oldID) FROM workers")
            // Still the other's, in its first run there.
            let (attempt, worker) = try #require(
                await bench.sql("SELECT attempt, worker FROM jobs WHERE id = \(id)").first
            ).decode(Int.self, Int64.self)
            #expect(attempt == 2)
            #expect(worker > oldID)
        }
    }

    @Test("While workers are killed again and again, every job ends, none twice, and each key keeps its order")
    func killsUnderLoad() async throws {
        try await JobBench.with { bench in
            try await bench.makeRunTables()
            let jobs = 400
            for number in 0..<jobs {
                try await bench.queue.enqueue(
                    Recorded(behaviour: number % 7 == 0 ? "fail_once" : "quick"),
                    .with {
                        $0.key = number % 2 == 0 ? "key \(number % 10)" : nil
                        $0.maximumAttempts = 1000
                    })
            }
            var workers = try (0..<2).map { _ in try WorkerProcess.start(bench.url, deadAfter: .milliseconds(600)) }
            for kill in 1...6 {
                try await bench.until("SELECT count(*) >= \(kill * jobs / 8) FROM finished_jobs")
                workers.removeFirst().kill()
                workers.append(try WorkerProcess.start(bench.url, deadAfter: .milliseconds(600)))
            }
            defer { for worker in workers { worker.kill() } }
            try await bench.until("SELECT NOT EXISTS (SELECT FROM jobs)")
            try await expectHistory(of: jobs, in: bench)
        }
    }

    @Test("When PostgreSQL crashes and comes back, nothing is lost and the worker goes on", .timeLimit(.minutes(3)))
    func databaseCrash() async throws {
        let logger = Logger(label: "tests", level: .critical)
        let server = try await PrivateServer.start(logger: logger)
        let url = try await server.createDatabase(named: "crash")
        let client = PostgresClient(PostgresConfiguration(connectionString: url), logger: logger)
        _ = try await Migrator(directory: TestDatabase.migrations, logger: logger).up(client)
        try await JobBench.with(client, url: url) { bench in
            let runs = Journal<JobID>()
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce) { _, context in
                runs.record(context.id)
                return .completed()
            }
            let jobs = 30_000
            try await bench.withWorkers(registry) {
                for round in 1...3 {
                    try await bench.queue.enqueue(all: (0..<jobs / 3).map { Work(name: "\($0)") })
                    await runs.wait(forCount: round * jobs / 3 - jobs / 6)
                    try await server.restart(.immediate)
                }
                try await bench.untilAfterCrash("SELECT NOT EXISTS (SELECT FROM jobs)")
                let (count, distinct) = try #require(
                    await bench.sql("SELECT count(*), count(DISTINCT id) FROM finished_jobs WHERE state = 'completed'")
                        .first
                ).decode(Int.self, Int.self)
                #expect(count == jobs)
                #expect(distinct == jobs)
            }
        }
        await server.stop()
    }

    @Test("The end of a job is on the disk once somebody has its result, though its own commit does not wait")
    func awaitedResult() async throws {
        let logger = Logger(label: "tests", level: .critical)
        // Nothing gets to the disk unless somebody waits for it, but for once in ten seconds.
        let server = try await PrivateServer.start(settings: ["wal_writer_delay": "10s"], logger: logger)
        let url = try await server.createDatabase(named: "crash")
        let client = PostgresClient(PostgresConfiguration(connectionString: url), logger: logger)
        _ = try await Migrator(directory: TestDatabase.migrations, logger: logger).up(client)
        try await JobBench.with(client, url: url) { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { work, context in
                try await context.complete(.string(work.name), with: [], on: bench.client)
                return .completedInTransaction
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work(name: "kept"), .with { $0.isAwaited = true })
                #expect(try await bench.end(of: id).result == "kept")
                try await server.restart(.immediate)
                try await bench.untilAfterCrash("SELECT true")
                let again = try await bench.end(of: id)
                #expect(again.state == .completed)
                #expect(again.result == "kept")
            }
        }
        await server.stop()
    }

    private func expectHistory(of jobs: Int, in bench: JobBench) async throws {
        let row = try #require(
            await bench.sql(
                """
                SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE state <> 'completed' AND rescues < 3)
                FROM finished_jobs
                """
            ).first)
        let (finished, distinct, wrong) = try row.decode(Int.self, Int.self, Int.self)
        #expect(finished == jobs)
        #expect(distinct == jobs)
        // One that happened to be with three victims in a row has failed, and no other.
        #expect(wrong == 0)
        // A job of a key starts only after every earlier job of that key had its last run.
        let overtakings = try await bench.value(
            """
            WITH ended AS (
                SELECT f.key, f.id, min(r.started_at) AS first_start, max(r.ended_at) AS last_end
                FROM finished_jobs f JOIN runs r ON r.job_id = f.id WHERE f.key IS NOT NULL GROUP BY f.key, f.id
            )
            SELECT count(*) FROM ended a JOIN ended b ON a.key = b.key AND a.id < b.id AND b.first_start < a.last_end
            """, Int.self)
        #expect(overtakings == 0)
    }
}

extension JobBench {
    /// Like `until`, while the server may be away.
    func untilAfterCrash(_ condition: PostgresQuery) async throws {
        while try await !afterCrash(condition) { try await Task.sleep(for: .milliseconds(10)) }
    }

    /// The answer, once the server is there to give it.
    func afterCrash(_ condition: PostgresQuery) async throws -> Bool {
        while true {
            do {
                return try await value(condition, Bool.self)
            } catch is PostgresError {
                try Task.checkCancellation()
            }
        }
    }
}
