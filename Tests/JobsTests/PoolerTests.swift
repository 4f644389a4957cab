import Jobs
import Platform
import TestSupport
import Testing

@testable import Postgres

/// All that a process asks of the database, through PgBouncer with `pool_mode=transaction`.
@Suite("Behind a transaction pooler", .timeLimit(.minutes(3)), .enabled(if: PgBouncer.isExpected))
struct PoolerTests {
    private let logger = Logger(label: "tests", level: .critical)

    /// Lends a bench whose only way to the database is the pooler, and a client that goes past it.
    private func with(_ body: (JobBench, PostgresClient) async throws -> Void) async throws {
        let database = try await TestDatabase.make()
        let name = try await database.client.query("SELECT current_database()::text")[0].decode(String.self)
        let pooler = try PgBouncer(server: try await TestDatabase.server().socketDirectory)
        let configuration = pooler.configuration(database: name)
        let client = PostgresClient(configuration, logger: logger)
        // It has started when it answers.
        try await client.query("SELECT 1")
        try await JobBench.with(client, url: configuration.connectionString) { try await body($0, database.client) }
        await database.client.close()
        withExtendedLifetime(pooler) {}
    }

    @Test("Jobs are enqueued, claimed, tried again, completed and awaited by polling alone")
    func life() async throws {
        try await with { bench, direct in
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce) { work, context in
                guard context.attempt > 1 else { throw Broken() }
                return .completed(.string(work.name))
            }
            try await bench.withWorkers(registry, count: 2) {
                let one = try await bench.queue.enqueue(Work(name: "one"), .with { $0.isAwaited = true })
                #expect(try await bench.end(of: one).result == "one")
                // Beside others, in a transaction, and in bulk.
                let several = try await withThrowingTaskGroup(of: JobID.self) { group in
                    for number in 0..<20 {
                        group.addTask { try await bench.queue.enqueue(Work(name: "\(number)")) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let inside = try await bench.client.withTransaction { connection in
                    try await bench.queue.enqueue(Work(name: "inside"), in: connection)
                }
                for id in several + [inside] { #expect(try await bench.end(of: id).state == .completed) }
                try await bench.queue.enqueue(all: (0..<1_000).map { Work(name: "bulk \($0)") })
                try await bench.until("SELECT NOT EXISTS (SELECT FROM jobs)")
            }
            let ends: PostgresQuery = """
                SELECT count(*), count(DISTINCT id), min(attempt), max(attempt) FROM finished_jobs
                WHERE state = 'completed'
                """
            let row = try #require(try await direct.query(ends).first)
            #expect(try row.decode(Int.self, Int.self, Int.self, Int.self) == (1_022, 1_022, 2, 2))
        }
    }

    @Test("Jobs of a key run one at a time, in order")
    func keys() async throws {
        try await with { bench, _ in
            let runs = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { work, context in
                runs.record("start \(work.name)")
                await Task.yield()
                runs.record("end \(work.name)")
                return .completed()
            }
            try await bench.withWorkers(registry, count: 2) {
                for number in 0..<10 {
                    try await bench.queue.enqueue(Work(name: "\(number)"), .with { $0.key = "strict" })
                }
                await runs.wait(forCount: 20)
            }
            #expect(runs.entries == (0..<10).flatMap { ["start \($0)", "end \($0)"] })
        }
    }

    @Test("A waiting job is cancelled at once, a running one by the next heartbeat")
    func cancel() async throws {
        try await with { bench, _ in
            let started = Gate()
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in
                started.open()
                try await sleepUntilCancelled()
                return .completed()
            }
            let waiting = try await bench.queue.enqueue(Other())
            #expect(try await bench.queue.cancel(waiting))
            #expect(try await bench.end(of: waiting).state == .cancelled)
            try await bench.withWorkers(registry) {
                let running = try await bench.queue.enqueue(Work())
                await started.pass()
                #expect(try await bench.queue.cancel(running))
                #expect(try await bench.end(of: running).state == .cancelled)
            }
        }
    }

    @Test("An effect and the end of its job are one transaction")
    func transactions() async throws {
        try await with { bench, direct in
            try await direct.query("CREATE TABLE effects (job_id bigint PRIMARY KEY)")
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                try await bench.client.withTransaction { connection in
                    try await connection.query("INSERT INTO effects VALUES (\(context.id))")
                    try await context.complete(in: connection)
                }
                return .completedInTransaction
            }
            try await bench.withWorkers(registry) {
                for number in 0..<20 { try await bench.queue.enqueue(Work(name: "\(number)")) }
                try await bench.until("SELECT NOT EXISTS (SELECT FROM jobs)")
            }
            let both: PostgresQuery = "SELECT count(*) FROM effects JOIN finished_jobs f ON f.id = job_id"
            #expect(try await direct.query(both)[0].decode(Int.self) == 20)
        }
    }

    @Test("Nothing of a session is left on the connections that all share, and these are few")
    func noSessionState() async throws {
        try await with { bench, direct in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            try await bench.withWorkers(registry, count: 2) {
                for number in 0..<50 { try await bench.queue.enqueue(Work(name: "\(number)")) }
                try await bench.until("SELECT NOT EXISTS (SELECT FROM jobs)")
                let connections: PostgresQuery = """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                    """
                #expect(try await direct.query(connections)[0].decode(Int.self) <= PgBouncer.serverConnections)
                for _ in 0..<10 {
                    let state: PostgresQuery = """
                        SELECT current_setting('statement_timeout'), current_setting('synchronous_commit'),
                            (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_listening_channels())
                        """
                    let row = try await bench.client.query(state)[0]
                    #expect(try row.decode(String.self, String.self, Int.self, Int.self) == ("0", "on", 0, 0))
                }
            }
        }
    }

    @Test("A connection is found alive through the pooler, in a transaction and outside of one")
    func aliveness() async throws {
        try await with { bench, _ in
            try await bench.client.withConnection { connection in
                try await connection.check(within: .seconds(20))
                try await connection.withTransaction { connection in
                    try await connection.query("SELECT 1")
                    try await connection.check(within: .seconds(20))
                }
                #expect(connection.isUsable)
            }
        }
    }

    @Test("A worker says once that it polls")
    func log() async throws {
        try await with { bench, _ in
            let lines = Journal<String>()
            let logger = Logger(label: "tests", level: .info) { lines.record($0) }
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            let worker = Worker(
                bench.queue, registry: registry, configuration: JobBench.quick(), metrics: bench.metrics, logger: logger
            )
            let running = Task { try await worker.run() }
            for number in 0..<3 {
                let id = try await bench.queue.enqueue(Work(name: "\(number)"))
                #expect(try await bench.end(of: id).state == .completed)
            }
            worker.stop()
            try await running.value
            #expect(lines.entries.count { $0.contains("jobs are polled for") } == 1)
            #expect(lines.entries.filter { $0.contains(" warning ") || $0.contains(" error ") } == [])
        }
    }

    @Test("Migrations refuse to run through it, because their lock would stay behind")
    func migrations() async throws {
        try await with { bench, direct in
            let migrator = try Migrator(directory: TestDatabase.migrations, logger: logger)
            await #expect(throws: MigrationError.self) { try await migrator.up(bench.client) }
            // Reading is fine: that is what every process does when it starts.
            #expect(try await migrator.status(bench.client).pending.isEmpty)
            #expect(try await migrator.up(direct).isEmpty)
        }
    }
}
