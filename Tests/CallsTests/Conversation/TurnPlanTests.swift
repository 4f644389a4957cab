import Platform
import Testing

@testable import Calls

@Suite("Plan of a turn")
struct TurnPlanTests {
    private typealias Fixtures = TurnFixtures

    private func plan(
        _ speech: String?, turn: Int, confidence: Double? = nil, answeredBy: String? = nil, _ state: TurnState
    ) -> TurnPlan {
        let job = ProcessConversation(
            callID: 7, turn: turn, speech: speech, confidence: confidence, answeredBy: answeredBy)
        return TurnPlan(job, CallerSpeech(job), state)
    }

    /// What is said, why, and whether the call ends; nil when the plan is another one.
    private func said(_ plan: TurnPlan) -> TurnPlan.Utterance? {
        if case .say(let utterance) = plan { utterance } else { nil }
    }

    @Test("The first turn is the greeting, in the lead's language", arguments: Language.allCases)
    func greets(_ language: Language) {
        let utterance = said(plan(nil, turn: 1, Fixtures.state(language)))
        #expect(utterance?.purpose == .greeting)
        #expect(utterance?.text == Phrase.greeting(name: "Ana Ruiz").text(in: language))
    }

    @Test("A turn that was answered gets the same answer again, whatever came with it this time")
    func repeats() {
        let state = Fixtures.state(turns: [Fixtures.greeting, Fixtures.caller(2), Fixtures.agent(3, "At two.")])
        let stored = SpokenAnswer(say: "At two.", language: "en", nextTurn: 4, endsCall: false)
        #expect(plan("Other words", turn: 2, state) == .repeat(stored))
        #expect(plan("Never call me again", turn: 2, state) == .repeat(stored))
        #expect(plan(nil, turn: 3, state) == .repeat(stored))
    }

    @Test("What the caller said is thought about")
    func thinks() {
        #expect(
            plan("Tuesday?", turn: 2, confidence: 0.9, Fixtures.state(turns: [Fixtures.greeting])) == .think("Tuesday?")
        )
    }

    @Test("Silence is asked about twice, then the call ends politely")
    func endsSilence() {
        var turns = [Fixtures.greeting]
        var purposes: [TurnPurpose?] = []
        for number in 2...4 {
            let utterance = said(plan(nil, turn: number, Fixtures.state(turns: turns)))
            purposes.append(utterance?.purpose)
            #expect(utterance?.endsCall == (number == 4))
            turns.append(Fixtures.agent(number, to: number, as: utterance?.purpose ?? .answer))
        }
        #expect(purposes == [.notHeard, .notHeard, .goodbye])
    }

    @Test("Words in between begin the count of silences anew")
    func forgivesSilence() {
        let turns = [
            Fixtures.greeting, Fixtures.agent(2, to: 2, as: .notHeard), Fixtures.agent(3, to: 3, as: .notHeard),
            Fixtures.caller(4), Fixtures.agent(5),
        ]
        #expect(said(plan(nil, turn: 6, Fixtures.state(turns: turns)))?.purpose == .notHeard)
    }

    @Test(
        "Words that the recognizer does not trust are asked for again",
        arguments: [(0.1, false), (0.29, false), (0.3, true), (0.9, true), (0.0, true)])
    func asksAgain(_ confidence: Double, _ isUnderstood: Bool) {
        let plan = plan("mumble", turn: 2, confidence: confidence, Fixtures.state(turns: [Fixtures.greeting]))
        let question = TurnPlan.Utterance(text: Phrase.notUnderstood.text(in: .english), purpose: .notUnderstood)
        #expect(plan == (isUnderstood ? .think("mumble") : .say(question)))
    }

    @Test("What is never understood ends the call politely")
    func endsMumbling() {
        let turns = [
            Fixtures.greeting, Fixtures.caller(2), Fixtures.agent(3, as: .notUnderstood), Fixtures.caller(4),
            Fixtures.agent(5, as: .notUnderstood),
        ]
        #expect(said(plan("mumble", turn: 6, confidence: 0.1, Fixtures.state(turns: turns)))?.endsCall == true)
    }

    @Test(
        "A machine is hung up on without a word",
        arguments: ["machine_start", "machine_end_beep", "machine_end_other", "fax"])
    func hangsUpOnMachines(_ answeredBy: String) {
        #expect(plan(nil, turn: 1, answeredBy: answeredBy, Fixtures.state()) == .hangUp)
        let state = Fixtures.state(turns: [Fixtures.greeting]) { $0.call.answeredBy = answeredBy }
        #expect(plan("Please stop calling me", turn: 2, state) == .hangUp)
    }

    @Test("A person, or who may be one, is talked to", arguments: ["human", "unknown"])
    func talksToPeople(_ answeredBy: String) {
        #expect(said(plan(nil, turn: 1, answeredBy: answeredBy, Fixtures.state())) != nil)
    }

    @Test(
        "The wish not to be called again ends the call, in every language",
        arguments: zip(Language.allCases, ["Never call me again", "No me vuelvan a llamar", "Não me ligue mais"]))
    func honoursWish(_ language: Language, _ words: String) {
        let state = Fixtures.state(language, turns: [Fixtures.greeting])
        let goodbye = Phrase.willNotCallAgain.text(in: language)
        #expect(
            plan(words, turn: 2, confidence: 0.1, state)
                == .stopCalling(.init(text: goodbye, purpose: .goodbye, endsCall: true)))
    }

    @Test("The wish counts after the end of the call too, when there is nobody to say it to")
    func honoursLateWish() {
        let state = Fixtures.state(turns: [Fixtures.greeting]) { $0.call.status = .ended }
        #expect(plan("Stop calling me", turn: 2, state) == .stopCalling(nil))
        #expect(plan("Tuesday?", turn: 2, state) == .hangUp)
    }

    @Test("After the agent's goodbye nothing begins anew")
    func staysEnded() {
        let state = Fixtures.state(turns: [Fixtures.greeting]) { $0.call.hasAgentEnded = true }
        #expect(said(plan("One more thing", turn: 2, state))?.endsCall == true)
    }

    @Test("A call that goes on and on ends politely")
    func limitsLength() {
        let state = Fixtures.state(turns: [Fixtures.greeting])
        #expect(said(plan("And then", turn: TurnPlan.maximumTurns, state))?.endsCall == true)
    }

    @Test("Keys that were pressed are words")
    func readsDigits() {
        let job = ProcessConversation(callID: 7, turn: 2, speech: " ", digits: "2")
        #expect(CallerSpeech(job) == .words("2", confidence: nil))
    }

    @Test("What cannot be stored or spoken is taken out of what was said, and its length is bounded")
    func cleans() {
        let job = ProcessConversation(callID: 7, turn: 2, speech: "  a\0b\n\u{202E}c  ", confidence: 0.5)
        #expect(CallerSpeech(job) == .words("a b c", confidence: 0.5))
        let long = ProcessConversation(callID: 7, turn: 2, speech: String(repeating: "x", count: 1 << 20))
        #expect(CallerSpeech(long) == .words(String(repeating: "x", count: 2_000), confidence: nil))
    }
}
