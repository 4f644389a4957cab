import Jobs
import Platform
import Postgres

/// A worker in a process of its own, which runs no-op jobs until SIGTERM.
enum WorkerProcess {
    static func start(_ url: String) throws -> ChildProcess {
        try ChildProcess.start("/proc/self/exe", ["--worker-process", url], output: .null)
    }

    /// What that process does.
    static func run(_ url: String) async throws {
        let logger = Logger(label: "worker", level: .error)
        let client = PostgresClient(PostgresConfiguration(connectionString: url), logger: logger)
        var registry = JobRegistry()
        registry.register(NoOperation.self) { _, _ in .completed() }
        let worker = Worker(
            JobQueue(client, logger: logger), registry: registry, configuration: Worker.Configuration(),
            metrics: MetricsRegistry(), logger: logger)
        try await ServiceGroup(services: [worker], logger: logger).run()
    }
}

func waitUntil(_ condition: () async throws -> Bool) async throws {
    while try await !condition() { try await Task.sleep(for: .milliseconds(5)) }
}
