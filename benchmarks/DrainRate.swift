import Jobs
import Platform
import Postgres
import Synchronization

/// No-op jobs drained by one worker process, durably, beside the bare SQL loop on the same server in the same run.
enum DrainRate {
    static let subject = Subject(
        name: "drain",
        summary: "no-op jobs drained by one worker, as a ratio to a bare SQL loop (claim 500, complete 500)",
        run: run)

    private static let jobs = 200_000
    private static let rounds = 3

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let url = try await bench.database("drain")
        let client = bench.client(url, connections: 4)
        let queue = JobQueue(client, logger: bench.logger)
        let bare = BareLoop(client: client)
        try await bare.prepare()
        var ours: [Double] = []
        var updating: [Double] = []
        var deleting: [Double] = []
        var enqueued: [Double] = []
        for round in 1...rounds {
            Report.note("  round \(round) of \(rounds)")
            updating.append(try await bare.rate(jobs: jobs, deleting: false))
            enqueued.append(try await fill(queue, client))
            ours.append(try await drain(queue, client, bench))
            deleting.append(try await bare.rate(jobs: jobs, deleting: true))
        }
        await client.close()
        return [
            Figure(name: "bare loop, updating in place", value: updating.median, unit: "jobs/s"),
            Figure(name: "bare loop, deleting", value: deleting.median, unit: "jobs/s"),
            Figure(name: "bulk enqueue", value: enqueued.median, unit: "jobs/s"),
            Figure(name: "drained by one worker", value: ours.median, unit: "jobs/s"),
            Figure(name: "drained ÷ bare loop", value: ours.median / updating.median, unit: "", bar: .atLeast(0.75)),
        ]
    }

    private static func fill(_ queue: JobQueue, _ client: PostgresClient) async throws -> Double {
        let batch = (1...jobs).map { NoOperation(number: $0) }
        let stopwatch = Stopwatch()
        try await queue.enqueue(all: batch)
        let rate = Double(jobs) / stopwatch.elapsed.inSeconds
        try await client.query("VACUUM ANALYZE jobs")
        try await client.query("CHECKPOINT")
        return rate
    }

    /// From the start of a worker with an empty hand until every job is in the history.
    private static func drain(_ queue: JobQueue, _ client: PostgresClient, _ bench: Bench) async throws -> Double {
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
