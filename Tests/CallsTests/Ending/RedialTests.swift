import Postgres
import Testing

@testable import Calls

@Suite("Redial")
struct RedialTests {
    /// The wait, in seconds, that the newest call of the lead has before it; nil when the lead is not dialled again.
    private func endAndSeeWait(_ bench: CallBench, _ providerStatus: String) async throws -> Double? {
        let call: Int64 = try await bench.value("SELECT max(id) FROM calls")
        try await bench.query("SELECT end_call(\(call), provider_status => \(providerStatus))")
        try await bench.runAll()
        let rows = try await bench.query(
            """
            SELECT extract(epoch FROM run_at - (SELECT finalized_at FROM calls WHERE id = \(call)))::float8
            FROM jobs WHERE kind = 'initiate_call'
            """)
        let wait = try rows.first?.decode(Double.self)
        try await bench.hasten()
        try await bench.runAll()
        return wait?.rounded()
    }

    @Test("The nth wait follows the nth call with that outcome; after the last wait the lead is done")
    func waits() async throws {
        let bench = try await CallBench()
        _ = try await bench.dialledCall(
            bench.campaign(#"redial = '{"busy":["5m","30m"],"no_answer":["1h"]}'"#))
        #expect(try await endAndSeeWait(bench, "busy") == 300)
        #expect(try await endAndSeeWait(bench, "no-answer") == 3_600)
        #expect(try await endAndSeeWait(bench, "busy") == 1_800)
        #expect(try await bench.value("SELECT status FROM campaigns") == "running")
        #expect(try await endAndSeeWait(bench, "busy") == nil)
        #expect(try await bench.value("SELECT attempts || status FROM leads") == "4done")
        #expect(try await bench.value("SELECT status FROM campaigns") == "completed")
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls") == 4)
    }

    @Test("An outcome without a rule, and an empty policy, redial nobody", arguments: ["{}", #"{"no_answer":["1h"]}"#])
    func never(policy: String) async throws {
        let bench = try await CallBench()
        _ = try await bench.dialledCall(bench.campaign("redial = '\(policy)'"))
        #expect(try await endAndSeeWait(bench, "busy") == nil)
    }

    @Test("Nobody who was ever talked with is redialled by itself")
    func talked() async throws {
        let bench = try await CallBench()
        let first = try await bench.dialledCall(bench.campaign(#"redial = '{"busy":["5m","5m"]}'"#))
        #expect(try await endAndSeeWait(bench, "busy") == 300)
        try await bench.query(
            "INSERT INTO turns (call_id, number, role, content) VALUES (\(first.id), 2, 'caller', 'Yes?')")
        #expect(try await endAndSeeWait(bench, "busy") == nil)
    }

    @Test("A lead whose phone came to do_not_call meanwhile is not redialled")
    func doNotCall() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign(), phone: "+15551234567")
        try await bench.query("SELECT record_do_not_call('+15551234567')")
        #expect(try await endAndSeeWait(bench, "busy") == nil)
        #expect(try await bench.outcome(call.id) == "busy")
        #expect(try await bench.value("SELECT status FROM leads") == "do_not_call")
    }

    @Test("An uncertain call is for a person, and is not redialled")
    func uncertain() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign())
        try await bench.query("SELECT end_call(\(call.id), status => 'uncertain')")
        try await bench.runAll()
        #expect(try await bench.outcome(call.id) == "uncertain")
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls") == 1)
    }

    @Test("A policy that is none is refused by a constraint that says so")
    func policies() async throws {
        let bench = try await CallBench()
        for policy in [
            "[]", #"{"busy":"5m"}"#, #"{"busy":["5 minutes"]}"#, #"{"busy":[5]}"#, #"{"completed":["5m"]}"#,
            #"{"uncertain":["5m"]}"#, #"{"busy":["0m"]}"#,
        ] {
            let error = await #expect(throws: PostgresError.self, "\(policy)") {
                try await bench.query("INSERT INTO campaigns (name, redial) VALUES ('a', \(policy)::jsonb)")
            }
            #expect(error?.constraint == "campaign_redial_is_a_list_of_waits_by_outcome")
        }
    }
}
