import Jobs
import Platform

@testable import Calls

/// Runs `body` beside a worker that knows the jobs of calls, and a queue that hears of results.
func withWorker(
    _ services: CallServices, of queues: [String: Int] = ["turns": 8, "tools": 8, "default": 8],
    _ body: () async throws -> Void
) async throws {
    var registry = JobRegistry()
    CallJobs.register(in: &registry, services: services)
    var configuration = Worker.Configuration()
    configuration.queues = queues
    let worker = Worker(
        services.queue, registry: registry, configuration: configuration, metrics: MetricsRegistry(),
        logger: services.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await services.queue.run() }
        group.addTask { try await worker.run() }
        defer { group.cancelAll() }
        try await body()
    }
}
