import Agents
import FoundationEssentials
import Platform
import Testing

@testable import Calls

extension FinalCall {
    static func talked(_ spoken: [String], language: String = "en", agentEnded: Bool = true) -> FinalCall {
        var facts = CallFacts(status: .ended)
        facts.providerStatus = .completed
        facts.callerSpoke = true
        facts.agentEnded = agentEnded
        return FinalCall(
            id: 7, providerCallID: nil, facts: facts, language: language, zone: .utc,
            endedAt: Date(timeIntervalSince1970: 1_800_000_000),
            turns: spoken.map { Utterance(isCaller: true, content: $0) }, promptTokens: 0, completionTokens: 0)
    }
}

@Suite("Classification")
struct ClassificationTests {
    @Test(
        "Without the model, the caller's words decide, in three languages",
        arguments: [
            ("en", "I'm not interested, thank you.", CallOutcome.notInterested),
            ("en", "Please don’t call me again!", .doNotCall),
            ("en", "Not interested. Take me off your list.", .doNotCall),
            ("en", "You have the wrong number", .wrongNumber),
            ("en", "Please leave a message after the tone.", .voicemail),
            ("es", "No me interesa, gracias", .notInterested),
            ("es", "¡No me vuelva a llamar nunca!", .doNotCall),
            ("es", "Está equivocado de número", .wrongNumber),
            ("pt", "Não tenho interesse", .notInterested),
            ("pt", "Não me ligue mais, por favor", .doNotCall),
            ("pt", "Acho que você ligou errado", .wrongNumber),
            ("en", "Tell me more about it", .completed),
        ])
    func words(language: String, text: String, outcome: CallOutcome) {
        let classification = OutcomeWords.classify(.talked([text], language: language))
        #expect(classification.outcome == outcome)
        #expect(classification.summary.contains(text))
    }

    @Test("A caller who said nothing of it, and ended the call, hung up")
    func hangUp() {
        #expect(OutcomeWords.classify(.talked(["Hello?"], agentEnded: false)).outcome == .hungUp)
    }

    @Test("Every outcome has its sentence in every language")
    func sentences() {
        for outcome in CallOutcome.allCases {
            let sentences = ["en", "es", "pt"].map { CallSummary.text(outcome, $0) }
            #expect(Set(sentences).count == 3, "\(outcome)")
            #expect(sentences.allSatisfy { $0.hasSuffix(".") }, "\(outcome)")
        }
    }

    @Test("The answer that the schema allows is read; what is no date or address is left out")
    func answer() throws {
        let answer: JSON = [
            "outcome": "callback_requested", "summary": "Llamar el lunes.", "callback_at": "2026-03-02T10:00:00-06:00",
            "email": "nobody", "interest": "high", "reason": " ",
        ]
        #expect(try JSONSchema(Classification.schema).violations(of: answer).isEmpty)
        let classification = try #require(Classification(answer: answer))
        #expect(classification.outcome == .callbackRequested)
        #expect(classification.extracted == ["callback_at": "2026-03-02T10:00:00-06:00", "interest": "high"])
    }

    @Test("A summary that says nothing is no answer")
    func blank() {
        #expect(Classification(answer: ["outcome": "completed", "summary": "  "]) == nil)
        #expect(Classification(answer: ["outcome": "sold", "summary": "x"]) == nil)
    }

    @Test("The model may not claim what only the database knows")
    func enumeration() throws {
        let claim: JSON = [
            "outcome": "meeting_scheduled", "summary": "x", "callback_at": nil, "email": nil, "interest": nil,
            "reason": nil,
        ]
        #expect(try !JSONSchema(Classification.schema).violations(of: claim).isEmpty)
    }
}
