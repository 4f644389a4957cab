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
        let limit = 30
        let campaign = try await Campaign(in: rig, leads: Self.calls, maximumConcurrentCalls: limit)
        #expect(try await campaign.launch() == Self.calls)

        var chaos = Chaos(rig: rig, campaign: campaign, databaseRestarts: databaseRestarts, seed: seed)
        let mostUnderWay = try await chaos.run(within: .seconds(Self.isLong ? 1_200 : 300))
        #expect(mostUnderWay <= limit, "the campaign's limit of concurrent calls holds")
        #expect(chaos.kills > 5, "calls took long enough to be disturbed")
        try await Invariants(rig: rig, campaign: campaign).check()
        let outcomes = try await campaign.outcomes()
        #expect(outcomes["meeting_scheduled", default: 0] > Self.calls / 20, "callers still book: \(outcomes)")
        print("chaos: \(Self.calls) calls, \(chaos.kills) kills, outcomes \(outcomes)")
        await rig.stop()
    }
}

/// One kill a second until every call has its outcome.
private struct Chaos {
    let rig: Rig
    let campaign: Campaign
    var databaseRestarts: Int
    var random: SeededGenerator
    private(set) var kills = 0

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
        while try await campaign.unfinishedCalls() > 0 {
            guard ContinuousClock.now < deadline else {
                Issue.record("\(try await campaign.unfinishedCalls()) calls have not ended:\n\(rig.log.suffix(4_000))")
                return mostUnderWay
            }
            mostUnderWay = max(mostUnderWay, try await campaign.callsUnderWay())
            second += .seconds(1)
            try await ContinuousClock().sleep(until: second)
            try await killOne()
            if databaseRestarts > 0, kills % 6 == 0 {
                databaseRestarts -= 1
                try await rig.server.restart(.immediate)
            }
        }
        return mostUnderWay
    }

    private mutating func killOne() async throws {
        guard let victim = rig.processes.names.randomElement(using: &random) else { return }
        try await rig.processes.kill(victim)
        try rig.processes.restart(victim)
        kills += 1
    }
}
