import Platform
import Postgres
import Simulators
import Testing

@Suite(.serialized) struct RedialTests {
    /// What the dials of each lead come to. Who is talked with, or has used up the waits, is left alone.
    private static let outcomes = [
        "+12125550001": ["busy", "meeting_scheduled"],
        "+12125550002": ["no_answer", "meeting_scheduled"],
        "+12125550003": ["busy", "no_answer", "meeting_scheduled"],
        "+12125550004": ["busy", "busy", "busy"],
        "+12125550005": ["not_interested"],
    ]

    @Test("Who is not reached is dialled again as the campaign says, each time once though answers to dials are lost")
    func redials() async throws {
        var configuration = SimulatedProviders.Configuration.quick(
            CalleeBook(
                assigned: ["+12125550004": Callee(.busy), "+12125550005": Callee(.notInterested)],
                shares: [.booksFirstSlot: 1]))
        configuration.twilio.callees.firstDials = [
            "+12125550001": [.busy], "+12125550002": [.noAnswer], "+12125550003": [.busy, .noAnswer],
        ]
        configuration.faults = FaultPlan(probabilities: [.dropAfterEffect: 0.5], operations: [.createCall])
        let rig = try await Rig.start(workers: 2, providers: configuration)
        let campaign = try await Campaign(
            in: rig, leads: Self.outcomes.count, maximumConcurrentCalls: 5,
            redial: ["busy": ["1s", "1s"], "no_answer": ["1s"]])
        #expect(try await campaign.launch() == Self.outcomes.count)
        for try await unfinished in campaign.progress() where unfinished == 0 { break }

        let leads = try await rig.client.query(
            """
            SELECT phone, attempts, array_agg(outcome ORDER BY calls.id)
            FROM leads JOIN calls ON calls.lead_id = leads.id GROUP BY leads.id
            """
        ).map { try $0.decode(String.self, Int.self, [String].self) }
        #expect(Dictionary(uniqueKeysWithValues: leads.map { ($0.0, $0.2) }) == Self.outcomes)
        let dials = Self.outcomes.mapValues(\.count)
        #expect(Dictionary(uniqueKeysWithValues: leads.map { ($0.0, $0.1) }) == dials, "attempts count the dials")
        #expect(rig.providers.twilio.callsByNumber == dials, "each attempt was dialled once")
        #expect(rig.providers.twilio.faults.counts[.dropAfterEffect, default: 0] > 0)
        let hasty = try await rig.client.query(
            """
            SELECT lead_id FROM (
                SELECT lead_id, dial_intent_at - lag(finalized_at) OVER (PARTITION BY lead_id ORDER BY id) AS wait
                FROM calls) AS dial
            WHERE wait < interval '1 second'
            """)
        #expect(hasty.isEmpty, "nobody is dialled before the wait is over")
        try await Invariants(rig: rig, campaign: campaign, dials: dials).check()
        await rig.stop()
    }
}
