import Jobs
import Platform
import Postgres

/// From the call of `enqueue` to the first line of the handler, on an idle queue: the commit is part of it.
enum EnqueueLatency {
    static let subject = Subject(
        name: "latency",
        summary: "enqueue → handler start: back to back, 150 ms apart, and beside 1,000,000 waiting jobs",
        run: run)

    private static let backToBack = 2000
    private static let apart = 100

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let url = try await bench.database("latency")
        let client = bench.client(url)
        let queue = JobQueue(client, logger: bench.logger)
        var figures = try await measure(queue, bench, "")
        try await client.query(
            """
            INSERT INTO jobs (kind, queue, arguments)
            SELECT 'no_operation', 'waiting_' || n % 10, '{"number": 0}' FROM generate_series(1, 1000000) AS n
            """)
        figures += try await measure(queue, bench, ", 1,000,000 waiting elsewhere")
        await client.close()
        return figures
    }

    private static func measure(_ queue: JobQueue, _ bench: Bench, _ circumstance: String) async throws -> [Figure] {
        let starts = Starts()
        var registry = JobRegistry()
        registry.register(NoOperation.self) { job, _ in
            starts.started(job.number)
            return .completed()
        }
        return try await withWorker(queue, registry, bench) {
            // The first ones open connections and prepare statements.
            _ = try await samples(50, pause: nil, queue, starts)
            let close = try await samples(backToBack, pause: nil, queue, starts)
            let spaced = try await samples(apart, pause: .milliseconds(150), queue, starts)
            return figures(close, "enqueue → start, back to back\(circumstance)")
                + figures(spaced, "enqueue → start, 150 ms apart\(circumstance)")
        }
    }

    private static func samples(
        _ count: Int, pause: Duration?, _ queue: JobQueue, _ starts: Starts
    ) async throws -> [Double] {
        var milliseconds: [Double] = []
        for number in 0..<count {
            if let pause { try await Task.sleep(for: pause) }
            let before = ContinuousClock.now
            let start = try await starts.wait(for: number) { try await queue.enqueue(NoOperation(number: number)) }
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
