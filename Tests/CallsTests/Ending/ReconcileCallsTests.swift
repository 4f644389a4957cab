import FoundationEssentials
import Postgres
import Testing

@testable import Calls
@testable import Jobs

@Suite("reconcile_calls")
struct ReconcileCallsTests {
    private func reconcile(_ bench: CallBench) async throws {
        try await bench.services.queue.enqueue(ReconcileCalls())
        try await bench.runAll()
    }

    @Test(
        "A call whose last webhooks were lost ends as its provider says",
        arguments: [
            (ProviderCallStatus.completed, "no_response"), (.busy, "busy"), (.noAnswer, "no_answer"),
            (.failed, "failed"),
            (.canceled, "failed"),
        ])
    func lostWebhooks(status: ProviderCallStatus, outcome: String) async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        bench.telephony.set(call.providerCallID) { $0.status = status }
        try await reconcile(bench)
        #expect(try await bench.status(call.id) == "dialing")
        try await bench.age(call.id, by: 61)
        try await reconcile(bench)
        #expect(try await bench.outcome(call.id) == outcome)
        #expect(try await bench.value("SELECT status FROM campaigns") == "completed")
    }

    @Test("While the provider is away calls stay as they are, and the next pass settles them")
    func away() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        bench.telephony.set(call.providerCallID) { $0.status = .busy }
        try await bench.age(call.id, by: 61)
        bench.telephony.change { $0.isAway = true }
        try await reconcile(bench)
        #expect(try await bench.status(call.id) == "dialing")
        bench.telephony.change { $0.isAway = false }
        try await reconcile(bench)
        #expect(try await bench.outcome(call.id) == "busy")
    }

    @Test("A call that goes on stays; one that lasts too long is hung up and ends")
    func tooLong() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        bench.telephony.set(call.providerCallID) { $0.status = .inProgress }
        try await bench.age(call.id, by: 61)
        try await reconcile(bench)
        #expect(try await bench.status(call.id) == "in_progress")
        #expect(bench.telephony.current.hungUp.isEmpty)
        try await bench.age(call.id, by: 1_801)
        try await reconcile(bench)
        #expect(bench.telephony.current.hungUp == [call.providerCallID])
        try await bench.age(call.id, by: 61)
        try await reconcile(bench)
        #expect(try await bench.status(call.id) == "ended")
    }

    @Test("A caller who talks with a person is not hung up on, however long that lasts")
    func leavesTransfers() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        bench.telephony.set(call.providerCallID) { $0.status = .inProgress }
        try await bench.query(
            """
            INSERT INTO turns (call_id, number, role, content, in_reply_to, ends_call, transfer_to)
            VALUES (\(call.id), 1, 'agent', 'One moment.', 1, true, '+525598765432')
            """)
        try await bench.age(call.id, by: 1_900)
        try await reconcile(bench)
        #expect(bench.telephony.current.hungUp.isEmpty)
        #expect(try await bench.status(call.id) == "in_progress")
    }

    @Test(
        "Calls of a provider that is configured no more are neither asked about nor dialled anew, and end as uncertain")
    func foreignProvider() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        let known = try await bench.dialledCall(campaign)
        let intended = try await bench.dialledCall(campaign)
        try await bench.query("UPDATE calls SET provider = 'other'")
        // As if the process had died between the intent and the answer.
        try await bench.query("ALTER TABLE calls DISABLE TRIGGER USER")
        try await bench.query("UPDATE calls SET provider_call_id = NULL WHERE id = \(intended.id)")
        try await bench.query("ALTER TABLE calls ENABLE TRIGGER USER")
        bench.telephony.change { $0.calls = [] }
        try await bench.age(known.id, by: 1_801)
        try await bench.age(intended.id, by: 1_000)
        try await reconcile(bench)
        #expect(try await bench.status(known.id) == "dialing")
        #expect(try await bench.status(intended.id) == "dialing")
        try await bench.age(known.id, by: 1_801)
        try await bench.age(intended.id, by: 1_000)
        try await bench.query("UPDATE jobs SET state = 'available', run_at = now() WHERE state = 'scheduled'")
        try await reconcile(bench)
        #expect(try await bench.status(known.id) == "uncertain")
        #expect(try await bench.status(intended.id) == "uncertain")
        #expect(bench.telephony.dialled.isEmpty)
    }

    @Test("A chat whose process died is ended once nothing was said in it for as long as two calls may last")
    func abandonedChat() async throws {
        let bench = try await CallBench()
        let services = bench.services
        let brief = try await ChatBrief.load(campaignID: nil, language: "es", instructions: nil, services)
        var callID: Int64 = 0
        try await ChatSession.hold(brief, services) { session in
            _ = try await session.answer(nil)
            callID = session.callID
        }
        // A process that is killed does not write the end.
        try await bench.query("ALTER TABLE calls DISABLE TRIGGER USER")
        try await bench.query(
            "UPDATE calls SET status = 'in_progress', ended_at = NULL, provider_status = NULL WHERE id = \(callID)")
        try await bench.query("ALTER TABLE calls ENABLE TRIGGER USER")
        try await bench.age(callID, by: 3_599)
        try await reconcile(bench)
        #expect(try await bench.status(callID) == "in_progress")
        try await bench.age(callID, by: 2)
        try await reconcile(bench)
        #expect(try await bench.status(callID) == "ended")
    }

    @Test("Calls whose job was cancelled by hand end, however many, and are not dialled; one whose job was lost is")
    func cancelledJobs() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        try await bench.query(
            """
            INSERT INTO leads (campaign_id, phone)
            SELECT \(campaign), '+1212555' || to_char(n, 'FM0000') FROM generate_series(1, 450) AS n
            """)
        try await bench.query("SELECT launch_campaign(\(campaign))")
        try await bench.query("SELECT cancel_job(job_id) FROM calls WHERE job_id IS NOT NULL")
        let lost = try await bench.queuedCall(campaign)
        try await bench.query("DELETE FROM jobs WHERE id = (SELECT job_id FROM calls WHERE id = \(lost))")
        try await bench.query(
            "UPDATE calls SET last_event_at = now() - interval '11 minutes' WHERE status = 'queued'"
        )
        let cancelled: Int = try await bench.value(
            "SELECT count(*) FROM calls JOIN finished_jobs ON finished_jobs.id = job_id")
        try #require(cancelled > 400)
        for _ in 0..<4 { try await reconcile(bench) }
        let ended: Int = try await bench.value("SELECT count(*) FROM calls WHERE error = 'its job was cancelled'")
        #expect(ended == cancelled)
        #expect(bench.telephony.dialled.count == 1)
        #expect(try await bench.status(lost) == "dialing")
    }

    @Test("A call that its provider does not know is uncertain")
    func unknown() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign())
        bench.telephony.change { $0.calls = [] }
        try await bench.age(call.id, by: 61)
        try await reconcile(bench)
        #expect(try await bench.outcome(call.id) == "uncertain")
    }

    @Test("An intent whose job is gone is settled all the same")
    func goneJob() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        bench.telephony.change { $0.dialFaults = [.lostAfterEffect] }
        try await bench.runAll()
        try await bench.query("DELETE FROM jobs")
        try await bench.age(call, by: 61)
        try await reconcile(bench)
        #expect(try await bench.value("SELECT provider_call_id FROM calls") == "CA1")
        #expect(bench.telephony.dialled.count == 1)
    }

    @Test("A queued call whose job somebody deleted gets another")
    func revival() async throws {
        let bench = try await CallBench()
        let lost = try await bench.queuedCall(bench.campaign())
        try await bench.query("DELETE FROM jobs")
        try await bench.query("UPDATE calls SET last_event_at = now() - interval '11 min'")
        try await reconcile(bench)
        #expect(try await bench.status(lost) == "dialing")
    }

    @Test("Slots of calls that are over or gone are released; those of calls under way are kept")
    func forgottenSlots() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        let over = try await bench.dialledCall(campaign)
        let underWay = try await bench.dialledCall(campaign)
        try await bench.query("SELECT end_call(\(over.id))")
        try await bench.query(
            """
            INSERT INTO job_slots (limit_name, holder)
            VALUES ('provider', 'call:' || \(over.id)::bigint), ('provider', 'call:4711'), ('provider', 'tenant:1')
            """)
        try await reconcile(bench)
        let holders: [String] = try await bench.value(
            "SELECT array_agg(DISTINCT holder ORDER BY holder) FROM job_slots")
        #expect(holders == ["call:\(underWay.id)", "tenant:1"])
    }

    @Test("The limit of a campaign that is over goes, and comes back when it goes on; that of a deleted one goes")
    func unusedLimits() async throws {
        let bench = try await CallBench()
        let over = try await bench.campaign("redial = '{}'")
        let deleted = try await bench.campaign()
        let call = try await bench.dialledCall(over)
        try await bench.query("DELETE FROM campaigns WHERE id = \(deleted)")
        let limits: PostgresQuery = "SELECT array_agg(name ORDER BY name) FROM job_limits"
        try await reconcile(bench)
        #expect(try await bench.value([String].self, limits) == ["campaign:\(over)", "provider"])
        try await bench.query("SELECT end_call(\(call.id))")
        try await reconcile(bench)
        try await reconcile(bench)
        #expect(try await bench.value([String].self, limits) == ["provider"])
        _ = try await bench.dialledCall(over)
        #expect(try await bench.slots("campaign:\(over)") == 1)
    }

    @Test("An ended call whose finalize_call is gone is finalized")
    func finalization() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        try await bench.query("SELECT end_call(\(call.id), provider_status => 'busy')")
        try await bench.query("DELETE FROM jobs")
        try await bench.age(call.id, by: 61)
        try await reconcile(bench)
        #expect(try await bench.outcome(call.id) == "busy")
    }

    @Test("A reservation that no call will settle is settled")
    func reservation() async throws {
        let bench = try await CallBench()
        try await bench.query(
            """
            INSERT INTO meetings (calendar_id, event_key, title, starts_at, ends_at, created_at)
            VALUES ('primary', 'lost', 'Demo', '2033-05-18T03:30Z', '2033-05-18T04:00Z', now() - interval '61 s'),
                ('primary', 'kept', 'Demo', '2033-05-19T03:30Z', '2033-05-19T04:00Z', now() - interval '61 s')
            """)
        let start = Date(timeIntervalSince1970: 2_000_000_000 + 86_400 - 200)
        bench.calendar.put(
            "kept",
            InsertedEvent(id: "kept", link: nil, startsAt: start, endsAt: start.addingTimeInterval(1_800)))
        try await reconcile(bench)
        let states: [String] = try await bench.value(
            "SELECT array_agg(event_key || ' ' || status ORDER BY id) FROM meetings")
        #expect(states == ["lost failed", "kept confirmed"])
    }
}
