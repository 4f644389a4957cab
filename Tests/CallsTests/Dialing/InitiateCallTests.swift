import Postgres
import TestSupport
import Testing

@testable import Calls
@testable import Jobs

@Suite("initiate_call")
struct InitiateCallTests {
    @Test("A queued call is dialled once, and its lead's attempts count it")
    func dials() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign())
        #expect(bench.telephony.dialled.map(\.id) == [call.providerCallID])
        #expect(try await bench.status(call.id) == "dialing")
        #expect(try await bench.value(Int.self, "SELECT attempts FROM leads") == 1)
        #expect(try await bench.value("SELECT language || timezone || from_phone FROM calls") == "enUTC+15550000000")
        #expect(try await bench.jobs("initiate_call") == 0)
    }

    @Test(
        "Whatever dies between the intent and the stored answer, the call is dialled exactly once",
        arguments: [
            FakeTelephony.Fault.lostBeforeEffect, .lostAfterEffect, .stoppedBeforeEffect, .stoppedAfterEffect,
        ])
    func deaths(fault: FakeTelephony.Fault) async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        bench.telephony.change { $0.dialFaults = [fault] }
        // The worker dies before it can write how the attempt ended.
        _ = try await bench.runWithoutEnd(#require(await bench.claim().first))
        #expect(try await bench.status(call) == "dialing")
        for _ in 0..<3 {
            try await bench.rescue()
            try await bench.hasten()
            try await bench.runAll()
        }
        // The list is believed that it holds nothing only when a request can no longer be under way.
        try await bench.age(call, by: 61)
        try await bench.hasten()
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 1)
        #expect(try await bench.value("SELECT provider_call_id FROM calls") == "CA1")
        #expect(try await bench.value(Int.self, "SELECT attempts FROM leads") == 1)
    }

    @Test("A worker that dies after the answer was stored dials no second time")
    func deathAtTheEnd() async throws {
        let bench = try await CallBench()
        _ = try await bench.queuedCall(bench.campaign())
        _ = try await bench.runWithoutEnd(#require(await bench.claim().first))
        try await bench.rescue()
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 1)
        #expect(try await bench.jobs("initiate_call") == 0)
    }

    @Test("A call that the provider's list shows late is found, not dialled again")
    func lag() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        bench.telephony.change { ($0.dialFaults, $0.lag) = ([.lostAfterEffect], 3) }
        try await bench.runAll()
        for _ in 0..<4 {
            #expect(try await bench.value(String?.self, "SELECT provider_call_id FROM calls WHERE id = \(call)") == nil)
            try await bench.hasten()
            try await bench.runAll()
        }
        #expect(try await bench.value("SELECT provider_call_id FROM calls WHERE id = \(call)") == "CA1")
        #expect(bench.telephony.dialled.count == 1)
    }

    @Test("A webhook that arrives before the answer to the dial brings the provider's id")
    func webhookFirst() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        bench.telephony.change { ($0.dialFaults, $0.isAway) = ([.lostAfterEffect], true) }
        try await bench.runAll()
        let event = RecordCallStatus(callID: call, providerCallID: "CA1", status: "ringing")
        try await bench.services.queue.enqueue(event, event.options)
        try await bench.hasten()
        try await bench.runAll()
        #expect(try await bench.value("SELECT provider_call_id FROM calls") == "CA1")
        #expect(try await bench.status(call) == "ringing")
        #expect(try await bench.jobs("initiate_call") == 0)
        #expect(bench.telephony.dialled.count == 1)
    }

    @Test("A dial of which nobody can say what became of it is uncertain, and is not dialled again")
    func uncertain() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        bench.telephony.change { ($0.dialFaults, $0.isAway) = ([.lostAfterEffect], true) }
        try await bench.runAll()
        try await bench.age(call, by: 1_801)
        try await bench.hasten()
        try await bench.runAll()
        #expect(try await bench.status(call) == "uncertain")
        #expect(try await bench.outcome(call) == "uncertain")
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls") == 1)
        #expect(bench.telephony.dialled.count == 1)
    }

    @Test("A dial that never arrived is made anew three times, then the call has failed")
    func neverArrives() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        bench.telephony.change { $0.dialFaults = [.lostBeforeEffect, .lostBeforeEffect, .lostBeforeEffect] }
        try await bench.runAll()
        for _ in 0..<3 {
            try await bench.age(call, by: 61)
            try await bench.hasten()
            try await bench.runAll()
        }
        #expect(try await bench.outcome(call) == "failed")
        #expect(bench.telephony.dialled.isEmpty)
    }

    @Test("A request without an answer is given up before it could be taken for one that never arrived")
    func silence() async throws {
        let bench = try await CallBench { $0.reconcileAfter = .seconds(4) }
        let call = try await bench.queuedCall(bench.campaign())
        bench.telephony.change { $0.dialFaults = [.silence] }
        try await bench.runAll()
        #expect(try await bench.status(call) == "dialing")
        #expect(try await bench.value("SELECT state::text FROM jobs WHERE kind = 'initiate_call'") == "scheduled")
    }

    @Test("A number that the provider refuses ends the call with the provider's words")
    func refused() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign("redial = '{}'"))
        bench.telephony.change { $0.dialFaults = [.refused] }
        try await bench.runAll()
        #expect(try await bench.outcome(call) == "failed")
        #expect(try await bench.value(String.self, "SELECT error FROM calls").contains("21211"))
        #expect(try await bench.value("SELECT status FROM leads") == "done")
        #expect(try await bench.value("SELECT status FROM campaigns") == "completed")
    }

    @Test("A provider that is too busy keeps no slot and costs no intent; the call is dialled later")
    func busyNow() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("max_concurrent_calls = 1")
        let call = try await bench.queuedCall(campaign)
        bench.telephony.change { $0.dialFaults = [.busyNow(retryAfter: .seconds(7)), .busyNow(retryAfter: nil)] }
        try await bench.runAll()
        #expect(try await bench.status(call) == "queued")
        #expect(try await bench.slots("campaign:\(campaign)") == 0)
        #expect(try await bench.value(Int.self, "SELECT attempts FROM leads") == 0)
        let wait: Double = try await bench.value(
            "SELECT extract(epoch FROM run_at - now())::float8 FROM jobs WHERE kind = 'initiate_call'")
        #expect((6...9).contains(wait))
        try await bench.hasten()
        try await bench.runAll()
        try await bench.hasten()
        try await bench.runAll()
        #expect(bench.telephony.dialled.count == 1)
        #expect(try await bench.value("SELECT dial_intents || '/' || dial_refusals FROM calls") == "1/0")
    }

    @Test("A second answer to one dial is hung up")
    func secondAnswer() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign())
        let records = CallRecords(bench.services)
        #expect(try await records.adopt(call.id, providerCallID: call.providerCallID).isOurs)
        #expect(try await !records.adopt(call.id, providerCallID: "CA99").isOurs)
        await #expect(throws: PostgresError.self) {
            try await bench.query("UPDATE calls SET provider_call_id = 'CA99' WHERE id = \(call.id)")
        }
    }

    @Test("A job that failed for good ends the call that it did not dial")
    func failedJob() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        let handler = InitiateCallHandler(bench.services)
        try await bench.database.client.withTransaction {
            try await handler.failed(InitiateCall(callID: call), "its worker was lost three times in a row", $0)
        }
        try await bench.runAll()
        #expect(try await bench.outcome(call) == "failed")
        #expect(try await bench.value(String.self, "SELECT error FROM calls").contains("lost three times"))
    }
}
