import Foundation
import Platform
import Postgres
import Simulators
import Testing

/// Kills and restarts what the product runs on while calls are under way. The short form is part of the tests; with
/// OPERADORA_CHAOS=long it is what `make chaos` runs.
@Suite(.serialized) struct ChaosTests {
    private static let isLong = ProcessInfo.processInfo.environment["OPERADORA_CHAOS"] == "long"
    private static let calls = isLong ? 1_000 : 300

    @Test("Every call ends and no promise breaks while a random process is killed each second")
    func kills() async throws {
        try await survive(databaseRestarts: 0, seed: 1)
    }

    @Test("Nor when PostgreSQL is stopped immediately and restarted three times in between")
    func killsAndDatabaseRestarts() async throws {
        try await survive(databaseRestarts: 3, seed: 2)
    }

    private func survive(databaseRestarts: Int, seed: UInt64) async throws {
        var configuration = SimulatedProviders.Configuration()
        configuration.openAI.thinkTime = .milliseconds(150)
        configuration.twilio.callsPerSecond = .infinity
        configuration.twilio.speed = 100
        configuration.twilio.webhookRetryDelay = .seconds(1)
        configuration.faults = .requests(0.05, seed: seed)
        configuration.faults.probabilities[.duplicateWebhook] = 0.1
        configuration.faults.probabilities[.reorderWebhook] = 0.1
        let rig = try await Rig.start(
            workers: 3, providers: configuration,
            environment: [
                "WORKER_HEARTBEAT_SECONDS": "1", "WORKER_DEAD_AFTER_SECONDS": "3", "RECONCILE_AFTER_SECONDS": "5",
                "TURN_HOLD_SECONDS": "3",
            ])
        // Of a dial and a booking the answer is lost, whatever the dice say.
        rig.providers.twilio.faults.trigger(.dropAfterEffect, on: .createCall)
        rig.providers.google.faults.trigger(.dropAfterEffect, on: .insertEvent)
        let limit = 30
        let campaign = try await Campaign(in: rig, leads: Self.calls, maximumConcurrentCalls: limit)
        #expect(try await campaign.launch() == Self.calls)

        var chaos = Chaos(rig: rig, campaign: campaign, databaseRestarts: databaseRestarts, seed: seed)
        let mostUnderWay = try await chaos.run(within: .seconds(Self.isLong ? 1_200 : 300))
        #expect(mostUnderWay <= limit, "the campaign's limit of concurrent calls holds")
        #expect(chaos.killed == Set(rig.processes.names), "every process was killed: there were \(chaos.kills) kills")
        #expect(chaos.restarts == databaseRestarts, "PostgreSQL was restarted as often as it was to be")
        expectFaults(of: configuration.faults, at: rig.providers)
        try await Invariants(rig: rig, campaign: campaign).check()
        let outcomes = try await campaign.outcomes()
        #expect(outcomes["meeting_scheduled", default: 0] > Self.calls / 20, "callers still book: \(outcomes)")
        #expect(outcomes["do_not_call", default: 0] > 0, "some never want to be called again: \(outcomes)")
        print("chaos: \(Self.calls) calls, \(chaos.kills) kills, \(chaos.restarts) restarts, outcomes \(outcomes)")
        await rig.stop()
    }

    /// Nothing is proved by faults that never happened.
    private func expectFaults(of plan: FaultPlan, at providers: SimulatedProviders) {
        let happened = [
            "OpenAI": providers.openAI.faults.counts, "Google": providers.google.faults.counts,
            "Twilio": providers.twilio.faults.counts,
        ]
        for fault in plan.probabilities.keys {
            #expect(happened.values.contains { $0[fault, default: 0] > 0 }, "nothing met \(fault): \(happened)")
        }
        let ofRequests: [Fault] = [.rateLimit, .serverError, .dropBeforeEffect, .dropAfterEffect, .truncate]
        for (provider, counts) in happened {
            let requests = ofRequests.reduce(0) { $0 + counts[$1, default: 0] }
            #expect(requests > 1, "more than what was triggered goes wrong at \(provider): \(counts)")
            #expect(counts[.dropAfterEffect, default: 0] > 0, "\(provider) lost the answer to what it did: \(counts)")
            for fault in ofRequests where Self.isLong {
                #expect(counts[fault, default: 0] > 0, "\(provider) had no \(fault): \(counts)")
            }
        }
    }
}

/// One kill a second until every call has its outcome.
private struct Chaos {
    let rig: Rig
    let campaign: Campaign
    let databaseRestarts: Int
    var random: SeededGenerator
    private(set) var kills = 0
    private(set) var killed: Set<String> = []
    private(set) var restarts = 0

    init(rig: Rig, campaign: Campaign, databaseRestarts: Int, seed: UInt64) {
        self.rig = rig
        self.campaign = campaign
        self.databaseRestarts = databaseRestarts
        random = SeededGenerator(seed: seed)
    }

    /// Returns the most calls that were seen under way at once.
    mutating func run(within limit: Duration) async throws -> Int {
        let deadline = ContinuousClock.now + limit
        var mostUnderWay = 0
        var second = ContinuousClock.now
        let calls = try await campaign.unfinishedCalls()
        var unfinished = calls
        while unfinished > 0 {
            guard ContinuousClock.now < deadline else {
                Issue.record("\(unfinished) calls have not ended:\n\(rig.log.suffix(4_000))")
                return mostUnderWay
            }
            mostUnderWay = max(mostUnderWay, try await campaign.callsUnderWay())
            second += .seconds(1)
            try await ContinuousClock().sleep(until: second)
            try await killOne()
            // By the calls that are left, not by the time: of three restarts each has a quarter of the calls before it.
            let share = Double(databaseRestarts - restarts) / Double(databaseRestarts + 1)
            if restarts < databaseRestarts, Double(unfinished) <= Double(calls) * share {
                try await rig.server.restart(.immediate)
                restarts += 1
            }
            unfinished = try await campaign.unfinishedCalls()
        }
        return mostUnderWay
    }

    private mutating func killOne() async throws {
        guard let victim = rig.processes.names.randomElement(using: &random) else { return }
        try await rig.processes.kill(victim)
        try rig.processes.restart(victim)
        kills += 1
        killed.insert(victim)
    }
}
