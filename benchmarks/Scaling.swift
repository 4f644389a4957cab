import Glibc
import Platform
import Postgres

/// How much faster more worker processes drain one queue.
///
/// A job costs the server about three times what it costs its worker, so on two cores the second worker finds little left to take,
/// and the fourth only takes turns with the others.
enum Scaling {
    static let subject = Subject(
        name: "scaling", summary: "no-op jobs drained by one, two and four worker processes", run: run)

    private static let jobs = 200_000
    private static let rounds = 3

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let url = try await bench.database("scaling")
        let client = bench.client(url, connections: 2)
        let drain = Drain(bench, database: url)
        var rates: [Int: [Double]] = [:]
        for round in 1...rounds {
            Report.note("  round \(round) of \(rounds)")
            for workers in [1, 2, 4] { rates[workers, default: []].append(try await rate(workers, drain, client, url)) }
        }
        await drain.close()
        await client.close()
        let one = rates[1]?.median ?? 0
        return rates.sorted { $0.key < $1.key }.flatMap { workers, rates in
            [Figure(name: "drained by worker processes: \(workers)", value: rates.median, unit: "jobs/s")]
                + (workers == 1 ? [] : [Figure(name: "… ÷ one", value: rates.median / one, unit: "")])
        }
    }

    /// From the moment that workers which stand ready may claim, until every job is in the history.
    private static func rate(
        _ workers: Int, _ drain: Drain, _ client: PostgresClient, _ url: String
    ) async throws -> Double {
        try await client.query("SELECT pause_queue('default')")
        _ = try await drain.fill(jobs)
        let processes = try (0..<workers).map { _ in try WorkerProcess.start(url) }
        defer { for process in processes { process.signal(SIGKILL) } }
        try await waitUntil { try await client.query("SELECT FROM workers").count == workers }
        let stopwatch = Stopwatch()
        try await client.query("SELECT resume_queue('default')")
        try await waitUntil { try await client.query("SELECT FROM jobs LIMIT 1").isEmpty }
        let rate = Double(jobs) / stopwatch.elapsed.inSeconds
        for process in processes { process.signal(SIGTERM) }
        for process in processes { _ = try await process.exit() }
        return rate
    }
}
