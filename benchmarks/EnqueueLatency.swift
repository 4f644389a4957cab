import Jobs
import Platform
import Postgres

/// From the call of `enqueue` to the first line of the handler, on an idle queue: the commit is part of it. Beside it, what the
/// same costs by hand on the same server: after a pause the disk, the sockets and the caches are slow for everyone
/// (`CacheProbe`).
enum EnqueueLatency {
    static let subject = Subject(
        name: "latency",
        summary: "enqueue → handler start: back to back, 150 ms apart, and beside 1,000,000 waiting jobs",
        run: run)

    private static let backToBack = 2000
    private static let apart = 200
    private static let pause = Duration.milliseconds(150)

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let url = try await bench.database("latency")
        let client = bench.client(url)
        let queue = JobQueue(client, logger: bench.logger)
        var figures = try await CacheProbe().figures(pause: pause)
        let bare = try await bareMilliseconds(client).median
        figures.append(Figure(name: "bare commit, NOTIFY and claim, 150 ms apart: p50", value: bare, unit: "ms"))
        figures += try await measure(queue, bench, "", bare: bare)
        // A million rows at once set vacuum and checkpoints to work, which is not what is measured.
        try await client.query(
            """
            INSERT INTO jobs (kind, queue, arguments)
            SELECT 'no_operation', 'waiting_' || n % 10, '{"number": 0}' FROM generate_series(1, 1000000) AS n
            """)
        try await client.query("VACUUM (ANALYZE) jobs")
        try await client.query("CHECKPOINT")
        figures += try await measure(queue, bench, ", 1,000,000 waiting elsewhere", bare: bare)
        await client.close()
        return figures
    }

    /// A commit that notifies, and a claim by whoever listens.
    private static func bareMilliseconds(_ client: PostgresClient) async throws -> [Double] {
        let starts = Starts()
        let listening = Task {
            await client.listen(["bare"]) { event in
                guard case .notification = event else { return }
                Task.immediate {
                    _ = try await client.query(
                        """
                        UPDATE jobs SET state = 'running', worker = 1, claims = claims + 1 WHERE id = (
                            SELECT id FROM jobs WHERE queue = 'bare' AND state = 'available'
                            ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED)
                        RETURNING id, arguments
                        """)
                    starts.startedAny()
                }
            }
        }
        defer { listening.cancel() }
        try await Task.sleep(for: .milliseconds(200))
        let milliseconds = try await samples(apart, pause: pause, starts) { _ in
            try await client.batch([
                "INSERT INTO jobs (kind, queue) VALUES ('no_operation', 'bare')", "SELECT pg_notify('bare', '')",
            ])
        }
        try await client.query("DELETE FROM jobs WHERE queue = 'bare'")
        return milliseconds
    }

    private static func measure(
        _ queue: JobQueue, _ bench: Bench, _ circumstance: String, bare: Double
    ) async throws -> [Figure] {
        let starts = Starts()
        var registry = JobRegistry()
        registry.register(NoOperation.self) { job, _ in
            starts.started(job.number)
            return .completed()
        }
        return try await withWorker(queue, registry, bench) {
            // The first ones open connections and prepare statements.
            let enqueue: @Sendable (Int) async throws -> Void = { try await queue.enqueue(NoOperation(number: $0)) }
            _ = try await samples(50, pause: nil, starts, enqueue)
            let close = try await samples(backToBack, pause: nil, starts, enqueue)
            let spaced = try await samples(apart, pause: pause, starts, enqueue)
            return figures(close, "enqueue → start, back to back\(circumstance)")
                + figures(spaced, "enqueue → start, 150 ms apart\(circumstance)")
                + [
                    Figure(
                        name: "enqueue → start, 150 ms apart\(circumstance): p50 ÷ bare",
                        value: spaced.median / bare, unit: "")
                ]
        }
    }

    private static func samples(
        _ count: Int, pause: Duration?, _ starts: Starts, _ enqueue: @escaping @Sendable (Int) async throws -> Void
    ) async throws -> [Double] {
        var milliseconds: [Double] = []
        for number in 0..<count {
            if let pause { try await Task.sleep(for: pause) }
            let before = ContinuousClock.now
            let start = try await starts.wait(for: number) { try await enqueue(number) }
            milliseconds.append((start - before).inMilliseconds)
        }
        return milliseconds
    }

    private static func figures(_ milliseconds: [Double], _ name: String) -> [Figure] {
        [
            Figure(name: "\(name): p50", value: milliseconds.median, unit: "ms", bar: .atMost(1)),
            Figure(name: "\(name): p99", value: milliseconds.percentile(0.99), unit: "ms", bar: .atMost(3)),
        ]
    }
}
