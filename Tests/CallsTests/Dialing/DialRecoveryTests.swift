import Testing

@testable import Calls

@Suite("DialRecovery")
struct DialRecoveryTests {
    private let call = ProviderCall(id: "CA1", status: .ringing)
    private let other = ProviderCall(id: "CA2", status: .ringing)

    private func decide(_ candidates: [ProviderCall]?, after seconds: Int, intents: Int = 1) -> DialRecovery {
        DialRecovery.decide(
            candidates: candidates, sinceIntent: .seconds(seconds), intents: intents, maximumIntents: 3,
            settleAfter: .seconds(60), giveUpAfter: .seconds(1_800))
    }

    @Test("The one call that the provider lists is adopted, at any time", arguments: [0, 59, 61, 5_000])
    func adoption(seconds: Int) { #expect(decide([call], after: seconds) == .adopt(call)) }

    @Test("That the provider lists nothing is not believed before a request and a list may lag no more")
    func lag() {
        #expect(decide([], after: 1) == .lookAgain(after: .seconds(3)))
        #expect(decide([], after: 30) == .lookAgain(after: .seconds(10)))
        #expect(decide([], after: 58) == .lookAgain(after: .seconds(2)))
        #expect(decide([], after: 60) == .withdraw)
    }

    @Test("What never arrived is dialled anew as often as it may be, then fails")
    func renewal() {
        #expect(decide([], after: 60, intents: 2) == .withdraw)
        #expect(decide([], after: 60, intents: 3) == .fail)
    }

    @Test("Several calls that may be it are uncertain, when no webhook has told them apart")
    func ambiguity() {
        #expect(decide([call, other], after: 59) == .lookAgain(after: .seconds(1)))
        guard case .uncertain = decide([call, other], after: 60) else {
            Issue.record("it was taken for certain")
            return
        }
    }

    @Test("A provider that cannot say is asked for long, and then nobody can say")
    func silence() {
        #expect(decide(nil, after: 1_799) == .lookAgain(after: .seconds(10)))
        guard case .uncertain = decide(nil, after: 1_800) else {
            Issue.record("it was taken for certain")
            return
        }
    }
}
