import Testing

@testable import Calls

@Suite("CallFacts")
struct CallFactsTests {
    private static func facts(
        _ status: CallStatus = .ended, _ providerStatus: ProviderCallStatus? = .completed,
        _ change: (inout CallFacts) -> Void = { _ in }
    ) -> CallFacts {
        var facts = CallFacts(status: status)
        facts.providerStatus = providerStatus
        change(&facts)
        return facts
    }

    @Test(
        "What the database and the provider know decides first",
        arguments: [
            (facts(.ended, .busy), CallOutcome.busy),
            (facts(.ended, .noAnswer), .noAnswer),
            (facts(.ended, .failed), .failed),
            (facts(.ended, .canceled), .failed),
            (facts(.ended, nil), .failed),
            (facts(.ended, .completed), .noResponse),
            (facts(.ended, .failed) { $0.isAnswered = true }, .noResponse),
            (facts(.uncertain, nil), .uncertain),
            (facts { $0.isAnsweredByMachine = true }, .voicemail),
            (facts { ($0.isAnsweredByMachine, $0.callerSpoke) = (true, true) }, .voicemail),
            (facts { ($0.hasConfirmedMeeting, $0.callerSpoke) = (true, true) }, .meetingScheduled),
            (facts(.uncertain, nil) { $0.hasConfirmedMeeting = true }, .meetingScheduled),
            (facts { ($0.doNotCallRequested, $0.callerSpoke) = (true, true) }, .doNotCall),
            (facts { $0.outcome = .doNotCall }, .doNotCall),
        ])
    func settled(facts: CallFacts, outcome: CallOutcome) { #expect(facts.settledOutcome == outcome) }

    @Test(
        "A conversation without a settled result is for the classification",
        arguments: [ProviderCallStatus.completed, .failed])
    func conversation(status: ProviderCallStatus) {
        #expect(Self.facts(.ended, status) { $0.callerSpoke = true }.settledOutcome == nil)
    }

    @Test("Nobody hung up on an agent that ended the call")
    func ending() {
        let byAgent = Self.facts { ($0.callerSpoke, $0.agentEnded) = (true, true) }
        let byCaller = Self.facts { $0.callerSpoke = true }
        #expect(byAgent.outcome(classifiedAs: .hungUp) == .completed)
        #expect(byCaller.outcome(classifiedAs: .hungUp) == .hungUp)
        #expect(byAgent.outcome(classifiedAs: .notInterested) == .notInterested)
    }
}
