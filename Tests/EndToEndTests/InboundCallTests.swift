import Platform
import Postgres
import Simulators
import TestSupport
import Testing

@Suite(.serialized) struct InboundCallTests {
    @Test("Leads who phone back are answered as themselves: one books, one is never called again, and no redial waits")
    func phoneBack() async throws {
        let rig = try await Rig.start(workers: 2, providers: .quick(CalleeBook(shares: [.noAnswer: 1])))
        let twilio = rig.providers.twilio
        let campaign = try await Campaign(
            in: rig, leads: 2, maximumConcurrentCalls: 2, redial: ["no_answer": ["1h"]])
        #expect(try await campaign.launch() == 2)
        let areMissed = try await eventually(within: .seconds(90)) {
            try await campaign.outcomes() == ["no_answer": 2, "none": 2]
        }
        #expect(areMissed, "nobody answers, and a redial of each waits")

        let ours = try #require(rig.providers.environment["TWILIO_FROM_NUMBER"])
        let webhooks = rig.publicURL + "/webhooks/twilio"
        twilio.setWebhooks(of: ours, voiceURL: webhooks + "/voice", statusURL: webhooks + "/status")
        let booking = try twilio.placeInboundCall(from: "+12125550001", to: ours, caller: Callee(.booksFirstSlot))
        let refusing = try twilio.placeInboundCall(from: "+12125550002", to: ours, caller: Callee(.neverCallAgain))
        let areDone = try await eventually(within: .seconds(90)) { try await campaign.unfinishedCalls() == 0 }
        #expect(areDone, "both calls have their outcome, and no redial waits any more")

        try await check(booking, outcome: "meeting_scheduled", rig)
        try await check(refusing, outcome: "do_not_call", rig)
        #expect(twilio.applicationErrors.isEmpty, "no caller hears a provider's error message")
        try await Invariants(rig: rig, campaign: campaign).check()
        await rig.stop()
    }

    private func check(_ sid: String, outcome: String, _ rig: Rig) async throws {
        let call = try #require(rig.providers.twilio.call(sid))
        let rows = try await rig.client.query(
            """
            SELECT attempts, array_agg(direction || ' ' || outcome ORDER BY calls.id)
            FROM leads JOIN calls ON calls.lead_id = leads.id
            WHERE phone = \(call.from) AND provider_call_id IS NOT NULL GROUP BY leads.id
            """)
        let (attempts, calls) = try #require(rows.first).decode(Int.self, [String].self)
        #expect(calls == ["outbound no_answer", "inbound \(outcome)"], "the call is its caller's")
        #expect(attempts == 1, "who was called is not who calls")

        let turns = try await rig.client.query(
            """
            SELECT role || ': ' || content FROM turns JOIN calls ON calls.id = call_id
            WHERE provider_call_id = \(sid) ORDER BY number
            """
        ).map { try $0.decode(String.self) }
        let heard = call.transcript.map { "\($0.isAgents ? "agent" : "caller"): \($0.text)" }
        #expect(turns == heard, "every word of it is a turn")
        #expect(turns.count >= 3, "a greeting, a wish, an answer")
    }
}
