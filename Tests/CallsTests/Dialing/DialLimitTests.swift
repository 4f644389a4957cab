import Postgres
import Testing

@testable import Calls
@testable import Jobs

@Suite("The limits of dialling")
struct DialLimitTests {
    /// Ends a call as its provider would.
    private func end(_ bench: CallBench, _ providerCallID: String, _ status: ProviderCallStatus) async throws {
        bench.telephony.set(providerCallID) { $0.status = status }
        let event = RecordCallStatus(callID: nil, providerCallID: providerCallID, status: status.rawValue)
        try await bench.services.queue.enqueue(event, event.options)
    }

    @Test("Twenty jobs at once never exceed the campaign's slots, and every call gets its turn")
    func slots() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("max_concurrent_calls = 3, redial = '{}'")
        for _ in 0..<20 { _ = try await bench.queuedCall(campaign) }
        var ended = 0
        while ended < 20 {
            let jobs = try await bench.claim(20)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for job in jobs { group.addTask { try await bench.run(job) } }
                try await group.waitForAll()
            }
            #expect(try await bench.slots("campaign:\(campaign)") <= 3)
            if jobs.isEmpty, let id = bench.telephony.current.underWay.sorted().first {
                try await end(bench, id, .busy)
                ended += 1
            } else if jobs.isEmpty {
                Issue.record("\(20 - ended) calls wait for ever")
                return
            }
        }
        try await bench.runAll()
        #expect(bench.telephony.current.mostUnderWay == 3)
        #expect(bench.telephony.dialled.count == 20)
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls WHERE outcome = 'busy'") == 20)
        #expect(try await bench.value("SELECT status FROM campaigns") == "completed")
    }

    @Test("No more calls of a campaign begin than calls_per_second allows, however many workers try")
    func rate() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("calls_per_second = 50, max_concurrent_calls = 100")
        for _ in 0..<20 { _ = try await bench.queuedCall(campaign) }
        while bench.telephony.dialled.count < 20 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for job in try await bench.claim(20) { group.addTask { try await bench.run(job) } }
                try await group.waitForAll()
            }
        }
        // A tenth of a second's worth, five, may begin at once. The token is taken a moment after the clock was read for it.
        let tooSoon: Int = try await bench.value(
            """
            WITH begun AS (SELECT taken_at, row_number() OVER (ORDER BY taken_at) AS number
                FROM job_slots WHERE limit_name = 'campaign:' || \(campaign)::bigint)
            SELECT count(*) FROM begun a JOIN begun b ON b.number > a.number + 5
            WHERE b.taken_at - a.taken_at < (b.number - a.number - 5) * interval '20 ms' - interval '10 ms'
            """)
        #expect(tooSoon == 0)
    }

    @Test("What a campaign may have under way changes with its row, for the calls that wait already")
    func change() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("max_concurrent_calls = 1")
        for _ in 0..<5 { _ = try await bench.queuedCall(campaign) }
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 1)
        try await bench.query("UPDATE campaigns SET max_concurrent_calls = 3")
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 3)
        try await bench.query("UPDATE campaigns SET calls_per_second = 0.001, max_concurrent_calls = 100")
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 4)
    }

    @Test("Nothing is dialled while a campaign is paused; resuming it lets what waited go on")
    func pause() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign()
        let call = try await bench.queuedCall(campaign)
        #expect(try await bench.value("SELECT pause_campaign(\(campaign))") == true)
        #expect(try await bench.value("SELECT pause_campaign(\(campaign))") == false)
        try await bench.runAll()
        #expect(bench.telephony.dialled.isEmpty)
        #expect(try await bench.value("SELECT resume_campaign(\(campaign))") == true)
        #expect(try await bench.value("SELECT resume_campaign(\(campaign))") == false)
        try await bench.runAll()
        #expect(try await bench.status(call) == "dialing")
    }

    @Test("One phone in two campaigns is not called twice at the same time")
    func onePhone() async throws {
        let bench = try await CallBench()
        let first = try await bench.dialledCall(bench.campaign("redial = '{}'"), phone: "+15551234567")
        let second = try await bench.queuedCall(bench.campaign(), phone: "+15551234567")
        try await bench.runAll()
        #expect(try await bench.status(second) == "queued")
        try await bench.query("SELECT end_call(\(first.id), provider_status => 'busy')")
        try await bench.hasten()
        try await bench.runAll()
        #expect(try await bench.status(second) == "dialing")
    }

    @Test("A phone on do_not_call is never dialled, whenever it was entered")
    func doNotCall() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign()
        let other = try await bench.campaign()
        let waiting = try await bench.queuedCall(campaign, phone: "+15551234567")
        let elsewhere = try await bench.queuedCall(other, phone: "+15551234567")
        #expect(try await bench.value("SELECT record_do_not_call('+15551234567', 'asked')") == true)
        #expect(try await bench.value("SELECT record_do_not_call('+15551234567', 'asked')") == false)
        #expect(try await bench.jobs("initiate_call") == 0)
        try await bench.runAll()
        for call in [waiting, elsewhere] {
            #expect(try await bench.status(call) == "ended")
            #expect(try await bench.outcome(call) == "do_not_call")
        }
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM leads WHERE status = 'do_not_call'") == 2)
        #expect(bench.telephony.dialled.isEmpty)
        let lead: Int64 = try await bench.value("SELECT min(id) FROM leads")
        #expect(try await bench.value(Int64?.self, "SELECT enqueue_call(\(lead))") == nil)
    }

    @Test(
        "A phone that is entered while its call is being dialled is either called once or not at all, and never after")
    func doNotCallRace() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign()
        for round in 0..<10 {
            let phone = "+1555123456\(round)"
            let call = try await bench.queuedCall(campaign, phone: phone)
            let job = try #require(await bench.claim().first)
            async let dial = bench.runWithoutEnd(job)
            async let entry = bench.query("SELECT record_do_not_call(\(phone))")
            _ = try await (dial, entry)
            let isDialled = bench.telephony.dialled.contains { $0.to == phone }
            #expect(try await bench.status(call) == (isDialled ? "dialing" : "ended"))
        }
    }

    @Test("A phone that came to do_not_call between enqueueing and dialling unseen ends its call at the dial")
    func unseenEntry() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign(), phone: "+15551234567")
        try await bench.query("ALTER TABLE do_not_call DISABLE TRIGGER calls_to_do_not_call_end")
        try await bench.query("INSERT INTO do_not_call (phone) VALUES ('+15551234567')")
        try await bench.runAll()
        #expect(try await bench.outcome(call) == "do_not_call")
        #expect(bench.telephony.dialled.isEmpty)
    }
}
