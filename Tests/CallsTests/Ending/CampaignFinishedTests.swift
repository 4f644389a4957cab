import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls
@testable import Jobs

@Suite("campaign_finished")
struct CampaignFinishedTests {
    private func end(_ bench: CallBench, _ call: Int64) async throws {
        try await bench.query("SELECT end_call(\(call), provider_status => 'busy')")
    }

    private func status(_ bench: CallBench) async throws -> String {
        try await bench.value("SELECT status FROM campaigns")
    }

    private func reconcile(_ bench: CallBench) async throws {
        try await bench.services.queue.enqueue(ReconcileCalls())
        try await bench.runAll()
    }

    @Test("It runs when every call has its outcome, redials among them, and has all outcomes at hand")
    func results() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign(#"redial = '{"busy":["5m"]}'"#)
        let first = try await bench.dialledCall(campaign)
        let second = try await bench.dialledCall(campaign)
        try await end(bench, first.id)
        try await bench.query("SELECT end_call(\(second.id), 'uncertain')")
        try await bench.runAll()
        #expect(try await status(bench) == "running")
        #expect(try await bench.value("SELECT state::text FROM jobs WHERE kind = 'campaign_finished'") == "waiting")
        try await bench.hasten()
        try await bench.runAll()
        try await end(bench, bench.value("SELECT max(id) FROM calls"))
        try await bench.runAll()
        #expect(try await status(bench) == "completed")
        #expect(try await bench.value("SELECT finished_at IS NOT NULL FROM campaigns") == true)
        let result: JSON = try await bench.value("SELECT result FROM finished_jobs WHERE kind = 'campaign_finished'")
        #expect(result == ["completed": true, "outcomes": ["busy": 2, "uncertain": 1]])
    }

    @Test("A call that is added when the batch is closed, and before the campaign is completed, lets it go on")
    func addedLate() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        let first = try await bench.dialledCall(campaign)
        try await end(bench, first.id)
        try await bench.run(#require(await bench.claim().first))
        let finished = try #require(await bench.claim().first)
        #expect(finished.kind == "campaign_finished")
        let second = try await bench.queuedCall(campaign)
        try await bench.run(finished)
        #expect(try await status(bench) == "running")
        try await bench.runAll()
        try await end(bench, second)
        try await bench.runAll()
        #expect(try await status(bench) == "completed")
        let results: [Bool] = try await bench.value(
            """
            SELECT array_agg((result ->> 'completed')::boolean ORDER BY id) FROM finished_jobs
            WHERE kind = 'campaign_finished'
            """)
        #expect(results == [false, true])
    }

    @Test("A lead that is added when the batch is closed keeps the campaign from being completed")
    func leadAddedLate() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        try await end(bench, bench.dialledCall(campaign).id)
        try await bench.run(#require(await bench.claim().first))
        let finished = try #require(await bench.claim().first)
        #expect(finished.kind == "campaign_finished")
        try await bench.query("INSERT INTO leads (campaign_id, phone) VALUES (\(campaign), '+12125550177')")
        try await bench.run(finished)
        #expect(try await status(bench) == "running")
    }

    @Test("Leads that a transaction is adding keep a campaign open; when it is rolled back, reconciliation finishes it")
    func openTransaction() async throws {
        struct ChangedItsMind: Error {}
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        let call = try await bench.dialledCall(campaign)
        await #expect(throws: ChangedItsMind.self) {
            try await bench.database.client.withTransaction { connection in
                try await connection.query(
                    "INSERT INTO leads (campaign_id, phone) VALUES (\(campaign), '+15551234567')")
                try await end(bench, call.id)
                try await bench.runAll()
                throw ChangedItsMind()
            }
        }
        #expect(try await status(bench) == "running")
        try await reconcile(bench)
        #expect(try await status(bench) == "completed")
    }

    @Test("A campaign that is paused when its last call ends is completed after it is resumed")
    func paused() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        let call = try await bench.dialledCall(campaign)
        try await bench.query("SELECT pause_campaign(\(campaign))")
        try await end(bench, call.id)
        try await reconcile(bench)
        #expect(try await status(bench) == "paused")
        try await bench.query("SELECT resume_campaign(\(campaign))")
        try await reconcile(bench)
        #expect(try await status(bench) == "completed")
    }

    @Test("A campaign whose campaign_finished somebody cancelled is completed by another")
    func cancelled() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        try await bench.query("SELECT cancel_job(batch) FROM campaigns")
        try await end(bench, call.id)
        try await bench.runAll()
        #expect(try await status(bench) == "completed")
    }

    @Test("Of ten calls that end at once the last one finishes the campaign, once")
    func race() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        var calls: [Int64] = []
        for _ in 0..<10 { calls.append(try await bench.dialledCall(campaign).id) }
        for call in calls { try await end(bench, call) }
        let jobs = try await bench.claim(10)
        #expect(jobs.count == 10)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for job in jobs { group.addTask { try await bench.run(job) } }
            try await group.waitForAll()
        }
        try await bench.runAll()
        #expect(try await status(bench) == "completed")
        let times: Int = try await bench.value("SELECT count(*) FROM finished_jobs WHERE kind = 'campaign_finished'")
        #expect(times == 1)
    }

    @Test("A campaign that is deleted takes its job along")
    func deleted() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign()
        #expect(try await bench.jobs("campaign_finished") == 1)
        try await bench.query("DELETE FROM campaigns WHERE id = \(campaign)")
        #expect(try await bench.jobs("campaign_finished") == 0)
    }
}
