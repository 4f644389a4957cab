import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls
@testable import Jobs

@Suite("The slots of calls")
struct DialSlotTests {
    private func held(_ bench: CallBench) async throws -> Int {
        try await bench.value("SELECT count(*) FROM job_slots")
    }

    /// Its next attempt is far away, and its call keeps the slots.
    private func fail(_ job: ClaimedJob, _ bench: CallBench) async throws {
        try await bench.query(
            """
            SELECT settle_jobs(\(job.lease.worker), ARRAY[\(job.lease.id)], ARRAY[\(job.lease.fence)], ARRAY['retry'], ARRAY[''],
                ARRAY['the provider is away'], ARRAY[3600::double precision], true)
            """)
    }

    @Test("A call waits in its campaign's line without a slot, and the end of another lets the first of them go")
    func line() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("max_concurrent_calls = 1, redial = '{}'")
        let first = try await bench.dialledCall(campaign)
        let second = try await bench.queuedCall(campaign)
        let third = try await bench.queuedCall(campaign)
        try await bench.runAll()
        #expect(try await bench.slots("campaign:\(campaign)") == 1)
        try await bench.query("SELECT end_call(\(first.id))")
        #expect(try await bench.slots("campaign:\(campaign)") == 0)
        try await bench.runAll()
        #expect(try await bench.status(second) == "dialing")
        #expect(try await bench.status(third) == "queued")
    }

    @Test("Whichever way a call ends, its slots are released with it")
    func ends() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")

        let busy = try await bench.dialledCall(campaign)
        #expect(try await held(bench) == 2)
        bench.telephony.set(busy.providerCallID) { $0.status = .busy }
        try await bench.age(busy.id, by: 61)
        try await bench.services.queue.enqueue(ReconcileCalls())
        try await bench.runAll()
        #expect(try await held(bench) == 0, "reconciled")

        let uncertain = try await bench.dialledCall(campaign)
        try await bench.query("SELECT end_call(\(uncertain.id), 'uncertain')")
        #expect(try await held(bench) == 0, "uncertain")

        _ = try await bench.queuedCall(campaign)
        bench.telephony.change { $0.dialFaults = [.refused] }
        try await bench.runAll()
        #expect(try await held(bench) == 0, "refused")

        let failed = try await bench.queuedCall(campaign)
        let job = try #require(await bench.claim().first)
        #expect(try await held(bench) == 1, "claimed, and the account has no limit")
        let handler = InitiateCallHandler(bench.services)
        try await bench.database.client.withTransaction {
            try await handler.failed(InitiateCall(callID: failed), "its worker was lost", $0)
        }
        #expect(try await held(bench) == 0, "given up")
        try await bench.run(job)

        _ = try await bench.queuedCall(campaign, phone: "+15551234567")
        _ = try await bench.claim()
        try await bench.query("SELECT record_do_not_call('+15551234567')")
        #expect(try await held(bench) == 0, "do not call")
    }

    @Test("A call that waits for another attempt keeps no slot for longer than until the next reconciliation")
    func waitsForAnotherAttempt() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        let job = try #require(await bench.claim().first)
        #expect(try await bench.value("SELECT release_forgotten_calls(10)") == 0, "it runs")
        try await fail(job, bench)
        #expect(try await bench.value("SELECT release_forgotten_calls(10)") == 1)
        #expect(try await held(bench) == 0)
        #expect(try await bench.status(call) == "queued")
    }

    @Test("A call that is dialled while its slots are taken for forgotten keeps them")
    func dialledMeanwhile() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        try await fail(#require(await bench.claim().first), bench)
        try await LookGate.with(after: "forgotten_calls", bench.database.client) { gate in
            async let released: Int = bench.value("SELECT release_forgotten_calls(10)")
            try await gate.wait(for: 1)
            try await bench.hasten()
            try await bench.runAll()
            #expect(try await bench.status(call) == "dialing")
            try await gate.open()
            #expect(try await released == 0)
        }
        #expect(try await held(bench) == 2)
    }

    @Test("What is claimed for a call that is over gives back what the claim took")
    func claimedTooLate() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        try await bench.query("UPDATE calls SET job_id = NULL")
        try await bench.query("SELECT end_call(\(call))")
        try await bench.runAll()
        #expect(bench.telephony.dialled.isEmpty)
        #expect(try await held(bench) == 0)
    }

    @Test("A worker that dies between the claim and the dial leaves the slot to the same call")
    func death() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("max_concurrent_calls = 1")
        let first = try await bench.queuedCall(campaign)
        _ = try await bench.queuedCall(campaign)
        _ = try await bench.claim()
        #expect(try await bench.claim().isEmpty)
        try await bench.rescue()
        try await bench.runAll()
        #expect(try await bench.status(first) == "dialing")
        #expect(bench.telephony.dialled.count == 1)
    }

    @Test("What lay in a stopped worker for long is not dialled on the token of then")
    func staleToken() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("calls_per_second = 0.001")
        let call = try await bench.queuedCall(campaign)
        let job = try #require(await bench.claim().first)
        try await bench.query("UPDATE job_slots SET taken_at = taken_at - interval '6 s'")
        try await bench.run(job)
        try await bench.hasten()
        try await bench.runAll()
        #expect(bench.telephony.dialled.isEmpty)
        #expect(try await held(bench) == 0)
        try await bench.query("UPDATE campaigns SET calls_per_second = 1000")
        try await bench.runAll()
        #expect(try await bench.status(call) == "dialing")
    }

    @Test("A call that was taken back, and turns out to be made, holds slots that others then lack")
    func adopted() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("max_concurrent_calls = 1")
        let call = try await bench.queuedCall(campaign)
        bench.telephony.change { $0.dialFaults = [.busyNow(retryAfter: .seconds(600))] }
        try await bench.runAll()
        #expect(try await held(bench) == 0)
        let event = RecordCallStatus(callID: call, providerCallID: "CA77", status: "ringing")
        try await bench.services.queue.enqueue(event, event.options)
        try await bench.runAll()
        let other = try await bench.queuedCall(campaign)
        try await bench.runAll()
        #expect(try await held(bench) == 2)
        #expect(try await bench.status(other) == "queued")
    }

    @Test("A job that a worker of the version before enqueued without limits gets into its line, and dials from there")
    func withoutLimits() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        try await bench.query(
            "UPDATE jobs SET lane = NULL, holder = NULL, state = 'available' WHERE kind = 'initiate_call'")
        try await bench.runAll()
        #expect(bench.telephony.dialled.isEmpty)
        try await bench.hasten()
        try await bench.runAll()
        #expect(try await bench.status(call) == "dialing")
        #expect(try await held(bench) == 2)
    }

    @Test("A line whose calling window is closed is put off as one, and another time zone's calls go on")
    func closedWindow() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("calls_per_second = 0.001")
        var closed: [Int64] = []
        for _ in 0..<3 { closed.append(try await bench.queuedCall(campaign)) }
        let open = try await bench.queuedCall(campaign)
        // This half of today is open; where the first leads live it is the other half of a day.
        try await bench.query("UPDATE calls SET timezone = 'Etc/GMT+12' WHERE id = ANY (\(closed))")
        try await bench.query(
            """
            UPDATE campaigns SET calling_window = to_char(now() AT TIME ZONE 'UTC', 'dy')
                || CASE WHEN extract(hour FROM now() AT TIME ZONE 'UTC') < 12 THEN ' 00:00-12:00' ELSE ' 12:00-24:00' END
            """)
        try await bench.runAll()
        let states: [String] = try await bench.value(
            "SELECT array_agg(jobs.state::text ORDER BY calls.id) FROM calls JOIN jobs ON jobs.id = job_id")
        #expect(states == ["scheduled", "scheduled", "scheduled", "limited"])
        let times: Int = try await bench.value(
            "SELECT count(DISTINCT date_trunc('minute', run_at)) FROM jobs WHERE state = 'scheduled'")
        #expect(times == 1)
        // The next token is for the one that may be called.
        try await bench.query("UPDATE job_limits SET tokens = 1")
        try await bench.runAll()
        #expect(try await bench.status(open) == "dialing")
    }
}
