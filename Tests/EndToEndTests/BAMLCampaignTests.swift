import Platform
import Postgres
import Simulators
import TestSupport
import Testing

@Suite struct BAMLCampaignTests {
    @Test(
        "With BAML and the local calendar a campaign ends with meetings and every kind of outcome, each answer through BAML",
        .enabled(if: PythonPeer.isExpected))
    func campaign() async throws {
        var configuration = SimulatedProviders.Configuration()
        configuration.twilio.callsPerSecond = .infinity
        configuration.twilio.speed = .infinity
        let rig = try await Rig.start(
            workers: 2, providers: configuration, usesBAML: true, environment: ["CALENDAR_PROVIDER": "local"])
        let campaign = try await Campaign(in: rig, leads: 60, maximumConcurrentCalls: 20)
        #expect(try await campaign.launch() == 60)
        for try await unfinished in campaign.progress() where unfinished == 0 { break }
        let outcomes = try await campaign.outcomes()
        #expect(outcomes["meeting_scheduled", default: 0] > 10, "\(outcomes)")
        #expect(outcomes.count >= 8, "\(outcomes)")
        #expect(rig.providers.twilio.applicationErrors.isEmpty, "no caller hears a provider's error message")
        #expect(rig.providers.openAI.refusals.isEmpty, "\(rig.providers.openAI.refusals)")

        let prompts = rig.providers.openAI.exchanges.map(\.prompt)
        let forms = prompts.compactMap { $0.messages.first?.text }.filter {
            $0.contains("Answer with JSON of this form")
        }
        #expect(prompts.count > 60 && forms.count == prompts.count)
        #expect(forms.contains { $0.contains("check_calendar_availability") })
        #expect(forms.contains { $0.contains("callback_at: string | null") }, "what a call came to is typed by BAML")
        #expect(prompts.allSatisfy { $0.tools.isEmpty && $0.responseSchema == nil })
        let apologies = try await rig.client.query("SELECT count(*) FROM turns WHERE purpose = 'apology'")[0]
        #expect(try apologies.decode(Int.self) == 0, "no turn was left without an answer of the model")
        try await Invariants(rig: rig, campaign: campaign, areMeetingsInGoogle: false).check()
        await rig.stop()
    }
}
