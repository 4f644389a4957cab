import Jobs
import Platform
import Postgres
import Testing

@Suite("What limits cost a claim", .timeLimit(.minutes(2)))
struct LimitCostTests {
    @Test("A claim reads no more for 100,000 jobs that wait for a limit")
    func backlog() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.setLimit("full", slots: 0)
            try await bench.queue.setLimit("open", slots: 1000)
            let one = try await bench.queue.enqueue(Work(), .with { $0.limits = ["full"] })
            try await bench.sql(
                "SELECT count(enqueue_job('work', limits => ARRAY['open'])) FROM generate_series(1, 60)")
            try await bench.sql("SELECT count(enqueue_job('work')) FROM generate_series(1, 60)")
            _ = try await blocksOfClaim(bench, worker)
            let few = try await blocksOfClaim(bench, worker)
            try await bench.sql(
                """
                INSERT INTO jobs (kind, state, lane)
                SELECT 'work', 'limited', lane FROM jobs, generate_series(1, 100000) WHERE id = \(one)
                """)
            let many = try await blocksOfClaim(bench, worker)
            // The indexes have a level more.
            #expect(many < few * 2)
        }
    }

    @Test("Slots that are held of a limit cost a claim the same, however many lanes share it")
    func sharedLimit() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.setLimit("account", slots: 1000)
            for number in 0..<30 {
                let options = JobOptions.with { $0.limits = ["campaign \(number)", "account"] }
                try await bench.queue.setLimit("campaign \(number)", slots: number % 2)
                // Those that have room are of a kind that the worker does not know.
                if number % 2 == 0 {
                    try await bench.queue.enqueue(Work(), options)
                } else {
                    try await bench.queue.enqueue(Other(), options)
                }
            }
            try await bench.sql("SELECT count(enqueue_job('work')) FROM generate_series(1, 60)")
            _ = try await blocksOfClaim(bench, worker)
            let none = try await blocksOfClaim(bench, worker)
            try await bench.sql(
                """
                INSERT INTO job_slots (limit_name, holder)
                SELECT 'account', 'call:' || n FROM generate_series(1, 500) AS n
                """)
            let many = try await blocksOfClaim(bench, worker)
            #expect(many < none + 500 * 6)
        }
    }

    /// How many blocks the claim of 20 jobs looks at.
    private func blocksOfClaim(_ bench: JobBench, _ worker: Int64) async throws -> Int64 {
        let plan = try await bench.value(
            """
            EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
            SELECT * FROM claim_jobs(\(worker), 'default', ARRAY['work'], 20)
            """, JSON.self)
        let root = try #require(plan.array?.first?["Plan"])
        #expect(root["Actual Rows"]?.integer == 20)
        return try #require(root["Shared Hit Blocks"]?.integer)
    }
}
