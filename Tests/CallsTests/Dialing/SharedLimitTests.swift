import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("Limits that campaigns share, or do not")
struct SharedLimitTests {
    @Test("The slots of the provider's account are shared by all campaigns")
    func account() async throws {
        let bench = try await CallBench()
        try await bench.query("SELECT set_call_limit('provider', 2, NULL)")
        var calls: [Int64] = []
        for _ in 0..<2 {
            let campaign = try await bench.campaign("redial = '{}'")
            for _ in 0..<2 { calls.append(try await bench.queuedCall(campaign)) }
        }
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 2)
        try await bench.query("SELECT end_call(\(calls[0]))")
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 3)
    }

    @Test("A campaign that is deleted takes its waiting jobs along, paused or not, and no slot from others")
    func deletedCampaign() async throws {
        let bench = try await CallBench()
        try await bench.query("SELECT set_call_limit('provider', 1, NULL)")
        let (running, paused) = (try await bench.campaign(), try await bench.campaign())
        for campaign in [running, running, paused, paused] { _ = try await bench.queuedCall(campaign) }
        let other = try await bench.queuedCall(bench.campaign())
        try await bench.query("SELECT pause_campaign(\(paused))")
        try await bench.query("DELETE FROM campaigns WHERE id IN (\(running), \(paused))")
        #expect(try await bench.value("SELECT count(*) FROM jobs WHERE kind = 'initiate_call'") == 1)
        try await bench.runAll()
        #expect(try await bench.status(other) == "dialing")
        #expect(try await bench.value("SELECT array_agg(DISTINCT holder) FROM job_slots") == ["call:\(other)"])
    }

    @Test("The limit of a campaign that somebody is starting again is not dropped")
    func startedAgain() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign()
        let other = try await bench.campaign()
        try await bench.query("UPDATE campaigns SET status = 'completed'")
        try await bench.database.client.withTransaction { connection in
            try await connection.query("UPDATE campaigns SET status = 'running' WHERE id = \(campaign)")
            let dropped: Int = try await bench.value("SELECT drop_campaign_limits(100)")
            #expect(dropped == 1, "the other's")
        }
        let limits: [String] = try await bench.value(
            "SELECT array_agg(name) FROM job_limits WHERE name LIKE 'campaign:%'")
        #expect(limits == ["campaign:\(campaign)"] && other != campaign)
    }

    @Test("Calls that are under way when the account gets its limit count")
    func limitedLater() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign()
        for _ in 0..<2 { _ = try await bench.dialledCall(campaign) }
        try await bench.query("SELECT set_call_limit('provider', 2, NULL)")
        let third = try await bench.queuedCall(campaign)
        try await bench.runAll()
        #expect(try await bench.status(third) == "queued")
    }

    @Test("The calls per second of the account are shared by all campaigns")
    func accountRate() async throws {
        let bench = try await CallBench()
        try await bench.query("SELECT set_call_limit('provider', NULL, 0.001)")
        for _ in 0..<2 { _ = try await bench.queuedCall(bench.campaign()) }
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 1)
    }

    @Test("A worker sets what its configuration says of the account before it works")
    func workerStart() async throws {
        let bench = try await CallBench {
            ($0.providerConcurrentCalls, $0.providerCallsPerSecond) = (7, 25)
        }
        let services = bench.services
        var configuration = Worker.Configuration()
        configuration.queues = ["calls": 1]
        let worker = Worker(
            services.queue, registry: JobRegistry(), configuration: configuration, metrics: services.metrics,
            logger: services.logger)
        let run = Task { try await LimitedWorker(worker, services: services).run() }
        while try await bench.value("SELECT count(*) FROM workers") == 1 { await Task.yield() }
        run.cancel()
        _ = await run.result
        let limit: String = try await bench.value(
            "SELECT slots || '/' || per_second || '/' || burst FROM job_limits WHERE name = 'provider'")
        #expect(limit == "7/25/3")
    }

    @Test("100,000 calls that wait for a full campaign neither hold up another's nor make its claim read more")
    func fullCampaign() async throws {
        let bench = try await CallBench()
        let full = try await bench.campaign("max_concurrent_calls = 1")
        let open = try await bench.campaign("max_concurrent_calls = 1000")
        _ = try await bench.dialledCall(full)
        let waiting = try await bench.queuedCall(full)
        for _ in 0..<40 { _ = try await bench.queuedCall(open) }
        _ = try await blocksOfClaim(bench)
        let few = try await blocksOfClaim(bench)
        try await bench.query(
            """
            INSERT INTO jobs (kind, queue, arguments, state, lane, holder)
            SELECT kind, queue, arguments, state, lane, 'call:' || -n FROM jobs, generate_series(1, 100000) AS n
            WHERE holder = 'call:' || \(waiting)::bigint
            """)
        let many = try await blocksOfClaim(bench)
        // The indexes have a level more.
        #expect(many < few * 2)
        let last = try await bench.queuedCall(open)
        try await bench.runAll()
        #expect(try await bench.status(last) == "dialing")
        #expect(try await bench.status(waiting) == "queued")
    }

    /// How many blocks the claim of ten calls looks at.
    private func blocksOfClaim(_ bench: CallBench) async throws -> Int64 {
        let plan = try await bench.value(
            JSON.self,
            """
            EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
            SELECT * FROM claim_jobs((SELECT id FROM workers), 'calls', ARRAY['initiate_call'], 10)
            """)
        let root = try #require(plan.array?.first?["Plan"])
        #expect(root["Actual Rows"]?.integer == 10)
        return try #require(root["Shared Hit Blocks"]?.integer)
    }
}
