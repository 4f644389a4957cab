import FoundationEssentials
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

/// A queue in a database of its own, and workers on it that are quick to notice things.
struct JobBench: Sendable {
    let url: String
    let client: PostgresClient
    let queue: JobQueue
    let metrics = MetricsRegistry()
    let logger = Logger(label: "tests", level: .critical)

    /// Lends a bench whose queue hears of results.
    static func with<Result: Sendable>(_ body: (JobBench) async throws -> Result) async throws -> Result {
        let database = try await TestDatabase.make()
        return try await with(database.client, url: database.connectionString, body)
    }

    static func with<Result: Sendable>(
        _ client: PostgresClient, url: String, _ body: (JobBench) async throws -> Result
    ) async throws -> Result {
        let logger = Logger(label: "tests", level: .critical)
        let bench = JobBench(url: url, client: client, queue: JobQueue(client, logger: logger))
        let running = Task { try await bench.queue.run() }
        do {
            let result = try await body(bench)
            running.cancel()
            await client.close(within: .seconds(1))
            return result
        } catch {
            running.cancel()
            await client.close(within: .seconds(1))
            throw error
        }
    }

    static func quick(_ queues: [String: Int] = ["default": 8]) -> Worker.Configuration {
        var configuration = Worker.Configuration()
        configuration.queues = queues
        configuration.heartbeat = .milliseconds(200)
        configuration.deadAfter = .seconds(2)
        configuration.pollInterval = .milliseconds(200)
        configuration.cancellationGrace = .milliseconds(300)
        return configuration
    }

    /// - Parameter queue: nil is the bench's own.
    func worker(
        _ registry: JobRegistry, _ configuration: Worker.Configuration = quick(), on queue: JobQueue? = nil
    ) -> Worker {
        Worker(
            queue ?? self.queue, registry: registry, configuration: configuration, metrics: metrics, logger: logger)
    }

    /// Runs workers during `body`, then stops them gracefully.
    func withWorkers<Result: Sendable>(
        _ registry: JobRegistry, _ configuration: Worker.Configuration = quick(), count: Int = 1,
        on queue: JobQueue? = nil, _ body: () async throws -> Result
    ) async throws -> Result {
        let workers = (0..<count).map { _ in worker(registry, configuration, on: queue) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in workers { group.addTask { try await worker.run() } }
            defer { for worker in workers { worker.stop() } }
            return try await body()
        }
    }

    /// How the job ended; a failed test when it does not end.
    func end(of id: JobID) async throws -> JobResult {
        try #require(try await queue.result(of: id, within: .seconds(40)), "job \(id) does not end")
    }

    /// The first column of all rows.
    func column<Value: PostgresDecodable & Sendable>(
        _ query: PostgresQuery, _ type: Value.Type = Value.self
    ) async throws -> [Value] {
        try await client.query(query).map { try $0.decode(Value.self) }
    }

    @discardableResult
    func sql(_ query: PostgresQuery) async throws -> PostgresResult { try await client.query(query) }

    /// The first column of the first row.
    func value<Value: PostgresDecodable & Sendable>(
        _ query: PostgresQuery, _ type: Value.Type = Value.self
    ) async throws -> Value {
        let row = try #require(try await client.query(query).first)
        return try row.decode(Value.self)
    }

    /// A worker's row without a worker, for tests of the SQL functions.
    func registerWorker(deadAfter: Duration = .seconds(3600)) async throws -> Int64 {
        try await value("SELECT register_worker('test', ARRAY['default'], ARRAY['work'], \(deadAfter))")
    }
}

/// A job that carries a name.
struct Work: Job {
    static let kind = "work"
    static var defaults: JobOptions {
        var options = JobOptions()
        options.maximumAttempts = 5
        return options
    }
    var name = ""
}

struct Other: Job {
    static let kind = "other"
    var number = 0
}

extension JobOptions {
    static func with(_ change: (inout JobOptions) -> Void) -> JobOptions {
        var options = Work.defaults
        change(&options)
        return options
    }
}

extension RetryPolicy {
    static let atOnce = RetryPolicy { _ in .zero }
}

struct Broken: Error, CustomStringConvertible { let description = "broken on purpose" }
