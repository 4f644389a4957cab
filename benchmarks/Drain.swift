import Jobs
import Platform
import Postgres
import Synchronization

/// No-op jobs that wait in a database, drained by a worker.
struct Drain {
    private let bench: Bench
    private let client: PostgresClient
    private let queue: JobQueue

    init(_ bench: Bench, database url: String) {
        self.bench = bench
        client = bench.client(url, connections: 4)
        queue = JobQueue(client, logger: bench.logger)
    }

    func close() async { await client.close() }

    /// Puts the jobs in. Returns how many a second.
    func fill(_ jobs: Int) async throws -> Double {
        let batch = (1...jobs).map { NoOperation(number: $0) }
        let stopwatch = Stopwatch()
        try await queue.enqueue(all: batch)
        let rate = Double(jobs) / stopwatch.elapsed.inSeconds
        try await client.query("VACUUM ANALYZE jobs")
        try await client.query("CHECKPOINT")
        return rate
    }

    /// From the start of a worker with an empty hand until every job is in the history. Returns how many a second.
    func run(_ jobs: Int) async throws -> Double {
        let left = Atomic(jobs)
        let (last, finish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        var registry = JobRegistry()
        registry.register(NoOperation.self) { _, _ in
            if left.subtract(1, ordering: .relaxed).newValue == 0 { finish.finish() }
            return .completed()
        }
        let stopwatch = Stopwatch()
        return try await withWorker(queue, registry, bench) {
            for await _ in last {}
            while try await client.query("SELECT FROM jobs LIMIT 1").count > 0 {
                try await Task.sleep(for: .milliseconds(1))
            }
            return Double(jobs) / stopwatch.elapsed.inSeconds
        }
    }
}
