import Glibc
import Jobs
import Platform
import Postgres

/// Resident memory of a worker in a process of its own: idle, and after many jobs.
enum WorkerMemory {
    static let subject = Subject(
        name: "memory", summary: "resident memory of a worker process, idle and after 1,000,000 jobs", run: run)

    private static let batches = 5
    private static let batch = 200_000

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let url = try await bench.database("memory")
        let client = bench.client(url)
        let queue = JobQueue(client, logger: bench.logger)
        let process = try WorkerProcess.start(url)
        defer { _ = process.signal(SIGKILL) }
        try await waitUntil { try await client.query("SELECT FROM workers").count == 1 }
        // What starting took is given back or used by then.
        try await Task.sleep(for: .seconds(2))
        let idle = try ResidentMemory.megabytes(of: process.processID)
        var after: [Double] = []
        for round in 1...batches {
            Report.note("  \(round * batch) jobs")
            try await queue.enqueue(all: (1...batch).map { NoOperation(number: $0) })
            try await waitUntil { try await client.query("SELECT FROM jobs LIMIT 1").isEmpty }
            after.append(try ResidentMemory.megabytes(of: process.processID))
        }
        await client.close()
        let growth = (after.last ?? 0) - (after.first ?? 0)
        return [
            Figure(name: "worker, resident, idle", value: idle, unit: "MB", bar: .atMost(40)),
            Figure(name: "worker, resident, after 1,000,000 jobs", value: after.last ?? 0, unit: "MB"),
            Figure(
                name: "worker, growth from 200,000 to 1,000,000 jobs", value: growth, unit: "MB", bar: .atMost(2)),
        ]
    }
}
