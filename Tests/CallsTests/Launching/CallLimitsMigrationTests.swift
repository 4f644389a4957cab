import FoundationEssentials
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls
@testable import Jobs

@Suite("Migrating calls to the queue's limits, and back")
struct CallLimitsMigrationTests {
    private static let lastBefore = 13

    private func migrator() throws -> Migrator {
        try Migrator(directory: TestDatabase.migrations, logger: Logger(label: "test", level: .critical))
    }

    private func down(_ bench: CallBench) async throws {
        let later = try await migrator().status(bench.database.client).applied.filter { $0.number > Self.lastBefore }
        _ = try await migrator().down(bench.database.client, count: later.count)
    }

    private func up(_ bench: CallBench) async throws { _ = try await migrator().up(bench.database.client) }

    /// As the handler of the version before did.
    private func begin(_ bench: CallBench, _ call: Int64) async throws -> String {
        let decision: String = try await bench.value(
            "SELECT decision FROM begin_dial(\(call), 'twilio', '+15550000000', 'en', 'UTC')")
        if decision == "parked" {
            try await bench.query("DELETE FROM jobs WHERE unique_key = 'initiate:' || \(call)::bigint")
        }
        return decision
    }

    @Test("Calls that are under way, parked, waiting for their turn or being claimed go on under the limits")
    func up() async throws {
        let bench = try await CallBench()
        try await down(bench)
        let campaign = try await bench.campaign("max_concurrent_calls = 2, calls_per_second = 0.001, redial = '{}'")
        let underWay = try await bench.queuedCall(campaign)
        let turn = try await bench.queuedCall(campaign)
        let parked = try await bench.queuedCall(campaign)
        let waiting = try await bench.queuedCall(campaign)
        let claimed = try await bench.queuedCall(campaign)
        #expect(try await begin(bench, underWay) == "dial")
        try await bench.query("SELECT adopt_call(\(underWay), 'twilio', 'CA9')")
        try await bench.query("DELETE FROM jobs WHERE unique_key = 'initiate:' || \(underWay)::bigint")
        #expect(try await begin(bench, turn) == "wait")
        try await bench.query(
            """
            UPDATE jobs SET state = 'scheduled', run_at = now() + interval '1 h'
            WHERE unique_key = 'initiate:' || \(turn)::bigint
            """)
        #expect(try await begin(bench, parked) == "parked")
        let arguments = Data(#"{"call_id": \#(claimed)}"#.utf8)
        let jobs = try await bench.claim(9)
        let job = try #require(jobs.first { $0.arguments == arguments })
        try await bench.query(
            "UPDATE jobs SET state = 'available', worker = NULL WHERE unique_key = 'initiate:' || \(waiting)::bigint")
        let paused = try await bench.campaign("status = 'paused'")
        let parkedPaused = try await bench.queuedCall(paused)
        #expect(try await begin(bench, parkedPaused) == "parked")

        try await up(bench)
        #expect(try await bench.slots("campaign:\(campaign)") == 1)
        #expect(try await bench.slots("provider") == 1)
        let states: [String] = try await bench.value(
            """
            SELECT array_agg(calls.id || ' ' || jobs.state ORDER BY calls.id)
            FROM calls JOIN jobs ON jobs.id = job_id AND lane IS NOT NULL AND holder = 'call:' || calls.id
            """)
        #expect(
            states == [
                "\(turn) scheduled", "\(parked) limited", "\(waiting) limited", "\(claimed) running",
                "\(parkedPaused) limited",
            ])

        // The worker goes on with what it had claimed before.
        try await bench.run(job)
        #expect(try await bench.status(claimed) == "queued")
        try await bench.query("UPDATE campaigns SET calls_per_second = 1000")
        for _ in 0..<5 {
            try await bench.hasten()
            try await bench.runAll()
            #expect(try await bench.slots("campaign:\(campaign)") <= 2)
            try await bench.query("SELECT end_call(id) FROM calls WHERE status = 'dialing'")
        }
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 4)
        #expect(try await bench.value("SELECT status FROM campaigns WHERE id = \(campaign)") == "completed")
        try await bench.query("SELECT resume_campaign(\(paused))")
        try await bench.runAll()
        #expect(try await bench.status(parkedPaused) == "dialing")
    }

    @Test("Back at the version before, calls are parked again, and one that ends lets another go")
    func down() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("max_concurrent_calls = 1, redial = '{}'")
        let underWay = try await bench.dialledCall(campaign)
        let waiting = try await bench.queuedCall(campaign)
        try await down(bench)
        let jobs: [String] = try await bench.value("SELECT array_agg(kind || ' ' || state) FROM jobs")
        #expect(jobs == ["initiate_call available"])
        #expect(try await bench.value("SELECT campaign_free_slots(\(campaign))") == 0)
        #expect(try await begin(bench, waiting) == "parked")
        try await bench.query("SELECT end_call(\(underWay.id))")
        #expect(try await bench.value("SELECT parked_since IS NULL FROM calls WHERE id = \(waiting)") == true)
        #expect(try await begin(bench, waiting) == "dial")
        try await up(bench)
        #expect(try await bench.slots("campaign:\(campaign)") == 1)
    }
}
