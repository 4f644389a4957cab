import Jobs
import Platform
import Postgres
import TestSupport

/// A storm over a PostgreSQL and worker processes of its own.
struct StormRun: Sendable {
    /// What was broken; empty is good.
    private(set) var broken: [String] = []
    /// What happened, for whoever watches: so many events of each sort.
    private(set) var summary = ""

    /// Throws when it could not be carried out, or when the jobs have not all ended a minute and a half after its last fault.
    static func survive(_ storm: Storm) async throws -> StormRun {
        let logger = Logger(label: "tests", level: .critical)
        let server = try await PrivateServer.start(logger: logger)
        do {
            let url = try await server.createDatabase(named: "storm")
            let client = PostgresClient(PostgresConfiguration(connectionString: url), logger: logger)
            _ = try await Migrator(directory: TestDatabase.migrations, logger: logger).up(client)
            let run = try await JobBench.with(client, url: url) { bench in
                var run = StormRun()
                try await run.rage(storm, bench, server)
                return run
            }
            await server.stop()
            return run
        } catch {
            await server.stop()
            throw error
        }
    }

    private mutating func rage(_ storm: Storm, _ bench: JobBench, _ server: PrivateServer) async throws {
        try await bench.client.withConnection { try await $0.executeScript(unsafe: StormAudit.tables) }
        for limit in Storm.limits {
            try await bench.queue.setLimit(
                limit.name, slots: limit.slots, perSecond: limit.perSecond, burst: limit.burst)
        }
        let workers = StormWorkers(url: bench.url)
        let launcher = try await withThrowingTaskGroup(of: StormLauncher?.self) { group in
            group.addTask {
                try await workers.run()
                return nil
            }
            group.addTask {
                defer { workers.stop() }
                return try await Self.launch(storm, bench, workers, server)
            }
            var launcher: StormLauncher?
            for try await result in group { launcher = result ?? launcher }
            return launcher
        }
        try await launcher?.report()
        try await check(bench)
    }

    /// Returns when all jobs have ended.
    private static func launch(
        _ storm: Storm, _ bench: JobBench, _ workers: StormWorkers, _ server: PrivateServer
    ) async throws -> StormLauncher {
        var launcher = StormLauncher(bench: bench)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for (pause, fault) in storm.faults {
                    guard (try? await Task.sleep(for: pause)) != nil else { return }
                    if case .restartDatabase = fault {
                        try await server.restart(.immediate)
                    } else {
                        try? await workers.perform(fault)
                    }
                }
            }
            for (pause, operation) in storm.operations {
                try await Task.sleep(for: pause)
                try await launcher.perform(operation)
            }
            group.cancelAll()
            try await group.waitForAll()
        }
        let calm = Stopwatch()
        while try await !bench.afterCrash(Self.isOver) {
            try await launcher.calm()
            guard calm.elapsed < .seconds(90) else { throw Unended(jobs: try await bench.column(Self.unended)) }
            try await Task.sleep(for: .milliseconds(200))
        }
        // What the last of them took.
        try await launcher.calm()
        return launcher
    }

    private mutating func check(_ bench: JobBench) async throws {
        try await bench.client.withConnection { try await $0.executeScript(unsafe: StormCheck.view) }
        for check in StormCheck.all {
            let violations = try await bench.column("\(unsafe: check.violations)", String.self)
            if !violations.isEmpty {
                broken.append(
                    "\(check.promise): \(violations.count) times\n  "
                        + violations.prefix(10).joined(separator: "\n  "))
            }
        }
        let events = try await bench.sql("SELECT event, count(*) FROM job_events GROUP BY event ORDER BY event").map {
            try $0.decode(String.self, Int.self)
        }
        summary = events.map { "\($1) \($0)" }.joined(separator: ", ")
    }

    /// The schedule goes on for as long as there are workers.
    private static let isOver: PostgresQuery = """
        SELECT NOT EXISTS (SELECT FROM jobs WHERE unique_key IS DISTINCT FROM 'schedule:every second')
        """
    private static let unended: PostgresQuery = "SELECT to_jsonb(j)::text FROM jobs j ORDER BY id LIMIT 20"

    private struct Unended: Error, CustomStringConvertible {
        let jobs: [String]
        var description: String { "these jobs do not end:\n" + jobs.joined(separator: "\n") }
    }
}
