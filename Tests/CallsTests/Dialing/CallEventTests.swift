import Postgres
import Testing

@testable import Calls
@testable import Jobs

@Suite("record_call_status")
struct CallEventTests {
    private func tell(
        _ bench: CallBench, _ call: Int64?, _ id: String, _ status: String, answeredBy: String? = nil,
        seconds: Int? = nil
    ) async throws {
        let event = RecordCallStatus(
            callID: call, providerCallID: id, status: status, answeredBy: answeredBy, durationSeconds: seconds)
        try await bench.services.queue.enqueue(event, event.options)
        while let job = try await bench.claim(from: ["turns"]).first { try await bench.run(job) }
    }

    @Test("Statuses in any order, each of them twice, leave the call where the latest of them is")
    func orders() async throws {
        let bench = try await CallBench()
        let campaign = try await bench.campaign("redial = '{}'")
        let statuses = ["initiated", "ringing", "in-progress", "completed"]
        for order in permutations(statuses) {
            let call = try await bench.dialledCall(campaign)
            for status in order.flatMap({ [$0, $0] }) {
                try await tell(bench, call.id, call.providerCallID, status, seconds: 7)
            }
            let shown: String = try await bench.value(
                """
                SELECT status || ' ' || provider_status || ' ' || duration_seconds || ' '
                    || (answered_at <= ended_at) || ' ' || (started_at <= answered_at)
                FROM calls WHERE id = \(call.id)
                """)
            #expect(shown == "ended completed 7 true true", "\(order)")
            #expect(try await bench.value(Int.self, "SELECT count(*) FROM jobs WHERE kind = 'finalize_call'") == 1)
            try await bench.runAll()
            #expect(try await bench.outcome(call.id) == "no_response")
        }
    }

    private func permutations(_ items: [String]) -> [[String]] {
        guard let first = items.first else { return [[]] }
        return permutations(Array(items.dropFirst())).flatMap { rest in
            (0...rest.count).map { Array(rest[..<$0]) + [first] + Array(rest[$0...]) }
        }
    }

    @Test("The first end stands: a later one with other words changes nothing")
    func firstEnd() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        try await tell(bench, call.id, call.providerCallID, "busy")
        try await tell(bench, call.id, call.providerCallID, "completed", seconds: 60)
        try await bench.runAll()
        #expect(try await bench.outcome(call.id) == "busy")
        #expect(try await bench.value(Int?.self, "SELECT duration_seconds FROM calls WHERE id = \(call.id)") == nil)
    }

    @Test("A machine that answered is hung up, and its outcome is voicemail")
    func machine() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        try await tell(bench, call.id, call.providerCallID, "in-progress", answeredBy: "machine_start")
        #expect(bench.telephony.current.hungUp == [call.providerCallID])
        try await tell(bench, call.id, call.providerCallID, "completed")
        try await bench.runAll()
        #expect(try await bench.outcome(call.id) == "voicemail")
    }

    @Test("A call that our agent left to a machine is not hung up once more")
    func leftMachine() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign())
        try await bench.query("UPDATE calls SET agent_ended = true WHERE id = \(call.id)")
        try await tell(bench, call.id, call.providerCallID, "in-progress", answeredBy: "machine_start")
        #expect(bench.telephony.current.hungUp.isEmpty)
    }

    @Test("A status of a call that is not ours, or of a word that is not known, is put aside and changes nothing")
    func strangers() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        try await tell(bench, nil, "CA404", "ringing")
        try await tell(bench, 4_711, "CA404", "completed")
        // Never dialled, so no webhook can be its own.
        try await tell(bench, call, "CA404", "completed")
        try await tell(bench, call, "CA404", "exploded")
        #expect(try await bench.status(call) == "queued")
        let states: [String] = try await bench.value(
            "SELECT array_agg(DISTINCT state::text) FROM finished_jobs WHERE kind = 'record_call_status'")
        #expect(states == ["cancelled"])
    }

    @Test("The webhook of a dial that was taken back as never made brings the call back")
    func lateWebhook() async throws {
        let bench = try await CallBench()
        let call = try await bench.queuedCall(bench.campaign())
        bench.telephony.change { $0.dialFaults = [.busyNow(retryAfter: nil)] }
        try await bench.runAll()
        #expect(try await bench.status(call) == "queued")
        try await tell(bench, call, "CA77", "in-progress")
        #expect(try await bench.status(call) == "in_progress")
        try await bench.hasten()
        try await bench.runAll()
        #expect(bench.telephony.dialled.isEmpty)
    }

    @Test(
        "The schema refuses to let a call go back",
        arguments: [
            ("status = 'ringing'", "call_that_is_final_stays_so"), ("outcome = 'busy'", "call_keeps_its_outcome"),
            ("provider_call_id = 'CA9'", "call_keeps_its_provider_call_id"),
            ("ended_at = NULL", "call_has_ended_at_exactly_when_final"),
        ])
    func backwards(assignment: String, constraint: String) async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        try await tell(bench, call.id, call.providerCallID, "completed")
        try await bench.runAll()
        let error = await #expect(throws: PostgresError.self) {
            try await bench.query("UPDATE calls SET \(unsafe: assignment) WHERE id = \(call.id)")
        }
        #expect(error?.constraint == constraint)
    }
}
