import Foundation
import Platform
import Simulators
import Testing

@Suite(.serialized) struct CampaignTests {
    @Test("A campaign ends with meetings in the calendar and in the tables, and with every kind of outcome")
    func campaign() async throws {
        let rig = try await Rig.start(workers: 2, providers: .quick())
        let campaign = try await Campaign(in: rig, leads: 60, maximumConcurrentCalls: 20)
        #expect(try await campaign.launch() == 60)
        for try await unfinished in campaign.progress() where unfinished == 0 { break }
        let outcomes = try await campaign.outcomes()
        #expect(outcomes["meeting_scheduled", default: 0] > 10, "\(outcomes)")
        #expect(outcomes.count >= 8, "\(outcomes)")
        #expect(rig.providers.twilio.applicationErrors.isEmpty, "no caller hears a provider's error message")
        try await Invariants(rig: rig, campaign: campaign).check()
        await rig.stop()
    }
}
