import Platform
import Postgres
import TestSupport
import Testing

@testable import Jobs

/// What a claim reads, as the server counts it: pages, not time.
@Suite("The plan of a claim", .timeLimit(.minutes(5)))
struct ClaimPlanTests {
    private static let batch = 500
    private static let kinds = (0..<10).map { "kind_\($0)" }

    @Test("With a million jobs waiting and a snapshot held open, a claim follows its index and reads few pages a job")
    func millionWaiting() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            let plans = PlanReader(bench.url)
            try await plans.with { explained in
                // Planned while the table is empty, as in a new installation: that plan must do for a million.
                for _ in 0..<10 { _ = try await explained.plan(of: claim(worker, after: .front)) }
                try await fill(bench)
                let fresh = try await explained.plan(of: claim(worker, after: .front))
                expectIndexOrder(fresh)
                #expect(fresh.pages < 40 * Self.batch)

                let claimedMeanwhile = 20_000
                let (behind, held) = try await bench.client.withConnection { holder in
                    try await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
                    try await holder.query("SELECT count(*) FROM queues")
                    var place = ClaimPlace.Position.front
                    for _ in 0..<claimedMeanwhile / Self.batch {
                        place = try await complete(worker, after: place, bench)
                    }
                    // What a worker does: it goes on where it was.
                    let behind = try await explained.plan(of: claim(worker, after: place))
                    let held = try await explained.plan(of: claim(worker, after: .front))
                    try await holder.query("ROLLBACK")
                    return (behind, held)
                }
                expectIndexOrder(behind)
                #expect(behind.pages < fresh.pages + Self.batch)
                // From the front, what was claimed since the snapshot was taken is read past, page by page.
                expectIndexOrder(held)
                #expect(held.pages > behind.pages + claimedMeanwhile / 200)
                #expect(held.pages < fresh.pages + claimedMeanwhile / 4)

                // The first claim after the snapshot marks what is dead, and no later one reads it again.
                _ = try await explained.plan(of: claim(worker, after: .front))
                let after = try await explained.plan(of: claim(worker, after: .front))
                expectIndexOrder(after)
                #expect(after.pages < 40 * Self.batch)
            }
        }
    }

    private func claim(_ worker: Int64, after place: ClaimPlace.Position) -> PostgresQuery {
        Statements.claim(worker, queue: "queue_3", kinds: Self.kinds, atMost: Self.batch, after: place)
    }

    /// A hundred mixtures of queue and kind.
    private func fill(_ bench: JobBench) async throws {
        try await bench.client.withTransaction { connection in
            try await connection.liftStatementTimeout()
            try await connection.query(
                """
                INSERT INTO jobs (kind, queue, arguments)
                SELECT 'kind_' || n % 10, 'queue_' || n / 10 % 10, '{"name": ""}' FROM generate_series(1, 1000000) AS n
                """)
        }
    }

    private func complete(
        _ worker: Int64, after place: ClaimPlace.Position, _ bench: JobBench
    ) async throws -> ClaimPlace.Position {
        let jobs = try ClaimedJob.list(try await bench.sql(claim(worker, after: place)), worker: worker)
        #expect(jobs.count == Self.batch)
        let stale = try await bench.value(
            "SELECT complete_jobs(\(worker), \(jobs.map(\.lease.id)), \(jobs.map(\.lease.fence)))", [Int64].self)
        #expect(stale == [])
        return try #require(jobs.last?.position)
    }

    private func expectIndexOrder(_ plan: PlanReader.Plan) {
        #expect(plan.indexes["jobs_to_claim"] == 1)
        // The rows that it found are changed where they are.
        #expect(plan.indexes.count == 1)
        #expect(plan.nodes.contains("Tid Scan"))
        #expect(!plan.nodes.contains { $0.contains("Sort") || $0.contains("Seq Scan") || $0.contains("Bitmap") })
    }
}

/// Reads the plan that a statement inside claim_jobs was really run by, with auto_explain.
struct PlanReader {
    struct Plan {
        var nodes: [String] = []
        /// How often each index is scanned.
        var indexes: [String: Int] = [:]
        /// 8 KiB each, whether found in memory or read.
        var pages = 0
    }

    /// A connection whose server explains to us whatever it runs.
    struct Explained {
        let connection: PostgresConnection
        let lines: Journal<String>

        /// Runs the statement, and gives the plan of the claim inside of it.
        func plan(of query: PostgresQuery) async throws -> Plan {
            let before = lines.entries.count
            try await connection.query(query)
            let texts = lines.entries.dropFirst(before)
                .compactMap { try? JSON(parsing: $0)["message"]?.string }
                .compactMap { $0.split(separator: "plan:\n", maxSplits: 1).last }
            let explained = texts.compactMap { try? JSON(parsing: String($0)) }
            let claim = try #require(
                explained.first { $0["Query Text"]?.string?.contains("UPDATE jobs") == true }?["Plan"])
            var plan = Plan()
            plan.pages = Int(
                (claim["Shared Hit Blocks"]?.integer ?? 0) + (claim["Shared Read Blocks"]?.integer ?? 0))
            collect(claim, &plan)
            return plan
        }

        private func collect(_ node: JSON, _ plan: inout Plan) {
            if let type = node["Node Type"]?.string { plan.nodes.append(type) }
            if let index = node["Index Name"]?.string { plan.indexes[index, default: 0] += 1 }
            for child in node["Plans"]?.array ?? [] { collect(child, &plan) }
        }
    }

    private let client: PostgresClient
    private let lines = Journal<String>()

    init(_ url: String) {
        let lines = lines
        client = PostgresClient(
            PostgresConfiguration(connectionString: url),
            logger: Logger(label: "plans", level: .debug, format: .json) { lines.record($0) })
    }

    func with(_ body: (Explained) async throws -> Void) async throws {
        try await client.withConnection { connection in
            for setting: PostgresQuery in [
                "LOAD 'auto_explain'", "SET auto_explain.log_min_duration = 0", "SET auto_explain.log_analyze = on",
                "SET auto_explain.log_buffers = on", "SET auto_explain.log_timing = off",
                "SET auto_explain.log_nested_statements = on", "SET auto_explain.log_format = json",
                "SET client_min_messages = log",
            ] { try await connection.query(setting) }
            try await body(Explained(connection: connection, lines: lines))
        }
        await client.close()
    }
}
