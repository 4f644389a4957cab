import Agents
import FoundationEssentials
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("Turns on PostgreSQL")
struct ConversationHandlerTests {
    @Test("A call is greeted, answered and said goodbye to, one row for each utterance")
    func talks() async throws {
        let model = ScriptedModel([
            ModelResponse(
                text: "We make widgets.", usage: ModelUsage(promptTokens: 100, completionTokens: 10)),
            .calling("terminarLlamada", saying: "Have a nice day, goodbye."),
        ])
        let scene = try await ConversationScene(model)
        #expect(try await scene.turn(1).nextTurn == 2)
        let answer = try await scene.turn(2, "What do you do?")
        #expect(answer == SpokenAnswer(say: "We make widgets.", language: "en", nextTurn: 4, endsCall: false))
        let goodbye = try await scene.turn(4, "Nothing more, bye")
        #expect(goodbye == SpokenAnswer(say: "Have a nice day, goodbye.", language: "en", nextTurn: 6, endsCall: true))
        #expect(
            try await scene.transcript() == [
                "1 agent greeting", "2 caller", "3 agent answer", "4 caller", "5 agent goodbye",
            ])
        #expect(try await scene.value("SELECT agent_ended FROM calls WHERE id = \(scene.callID)", as: Bool.self))
        #expect(try await scene.value("SELECT status FROM calls WHERE id = \(scene.callID)") == "in_progress")
        #expect(try await scene.value("SELECT provider_call_id FROM calls WHERE id = \(scene.callID)") == "CA1")
        #expect(try await scene.value("SELECT prompt_tokens FROM turns WHERE number = 3") == 100)
        #expect(try await scene.value("SELECT model_calls FROM turns WHERE number = 3") == 1)
        #expect(try await scene.value("SELECT model_ms > 0 FROM turns WHERE number = 3", as: Bool.self))
        #expect(scene.jobResults.last == (try JSON(encoding: goodbye)))
    }

    @Test("A repeated turn gets the stored answer, and the model is not asked again")
    func answersOnce() async throws {
        let model = Scripts.saying("At two.")
        let scene = try await ConversationScene(model)
        _ = try await scene.turn(1)
        let first = try await scene.turn(2, "When?")
        #expect(try await scene.turn(2, "Something else") == first)
        #expect(model.requests.count == 1)
        #expect(try await scene.count("turns") == 3)
        #expect(scene.jobResults.count == 2)
    }

    @Test("Silence leaves no row of the caller, and ends the call politely")
    func endsSilence() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        for number in 1...3 { #expect(try await scene.turn(number).endsCall == false) }
        #expect(try await scene.turn(4).endsCall)
        #expect(
            try await scene.transcript() == [
                "1 agent greeting", "2 agent not_heard", "3 agent not_heard", "4 agent goodbye",
            ])
    }

    @Test("Words that were not understood are kept with their confidence, and the model is not bothered")
    func keepsConfidence() async throws {
        let model = Scripts.saying()
        let scene = try await ConversationScene(model)
        _ = try await scene.turn(1)
        let answer = try await scene.turn(2, "mumble", confidence: 0.125)
        #expect(answer.say == Phrase.notUnderstood.text(in: .english))
        #expect(answer.nextTurn == 4)
        #expect(try await scene.value("SELECT confidence::float8 FROM turns WHERE number = 2") == 0.125)
        #expect(model.requests.isEmpty)
    }

    @Test("A machine is hung up on: nothing is said and nothing is written but who answered")
    func hangsUpOnMachines() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let answer = try await scene.turn(1, answeredBy: "machine_start")
        #expect(answer == SpokenAnswer(say: "", language: "en", nextTurn: 2, endsCall: true))
        #expect(try await scene.count("turns") == 0)
        #expect(try await scene.value("SELECT answered_by FROM calls WHERE id = \(scene.callID)") == "machine_start")
        #expect(try await scene.turn(1, answeredBy: "machine_start") == answer)
    }

    @Test(
        "The wish not to be called again stands in do_not_call when the goodbye is spoken",
        arguments: [("en", "Never call me again"), ("es", "No me vuelvan a llamar"), ("pt", "Não me ligue mais")])
    func recordsWish(_ language: String, _ words: String) async throws {
        var options = ConversationScene.Options()
        options.language = language
        let scene = try await ConversationScene(Scripts.saying(), options)
        _ = try await scene.turn(1)
        let answer = try await scene.turn(2, words)
        #expect(answer.endsCall)
        #expect(answer.say == Phrase.willNotCallAgain.text(in: Language(code: language)))
        #expect(try await scene.value("SELECT phone FROM do_not_call") == scene.phone)
        #expect(
            try await scene.value(
                "SELECT do_not_call_requested AND agent_ended FROM calls WHERE id = \(scene.callID)", as: Bool.self))
    }

    @Test("The wish is kept also when the call has ended before the turn could be answered")
    func recordsLateWish() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        _ = try await scene.turn(1)
        try await scene.database.client.query("SELECT end_call(\(scene.callID))")
        #expect(try await scene.turn(2, "Stop calling me").say == "")
        #expect(try await scene.count("do_not_call") == 1)
        #expect(try await scene.transcript() == ["1 agent greeting", "2 caller"])
    }

    @Test(
        "A model that fails is covered for in the caller's language, and the second time ends the call",
        arguments: Language.allCases)
    func apologizes(_ language: Language) async throws {
        var options = ConversationScene.Options()
        options.language = language.rawValue
        let scene = try await ConversationScene(
            ScriptedModel { _, _ in throw ModelError(.quotaExceeded, "no credit") }, options)
        _ = try await scene.turn(1)
        let first = try await scene.turn(2, "Hello?")
        #expect(first.say == Phrase.apology.text(in: language))
        #expect(!first.endsCall)
        let second = try await scene.turn(4, "Hello?")
        #expect(second.say == Phrase.apologyAndGoodbye.text(in: language))
        #expect(second.endsCall)
        #expect(try await scene.value("SELECT model_calls FROM turns WHERE number = 3") == 1)
    }

    @Test("A model that calls tools for ever, or answers nothing, is covered for")
    func coversLoops() async throws {
        let loops = try await ConversationScene(
            ScriptedModel { _, number in .calling("nonsense", "{\"n\":\(number)}") })
        _ = try await loops.turn(1)
        #expect(try await loops.turn(2, "Hello?").say == Phrase.apology.text(in: .english))
        let silent = try await ConversationScene(ScriptedModel { _, _ in ModelResponse(text: nil) })
        _ = try await silent.turn(1)
        #expect(try await silent.turn(2, "Hello?").say == Phrase.apology.text(in: .english))
    }

    @Test("A campaign without tools talks without them; one with a list has those alone")
    func limitsTools() async throws {
        let model = Scripts.saying("Hello.")
        var options = ConversationScene.Options()
        options.tools = []
        _ = try await ConversationScene(model, options).turn(2, "Hi")
        options.tools = ["terminarLlamada", "unknown"]
        let limited = Scripts.saying("Hello.")
        _ = try await ConversationScene(limited, options).turn(2, "Hi")
        let all = Scripts.saying("Hello.")
        _ = try await ConversationScene(all).turn(2, "Hi")
        #expect(model.requests[0].tools.isEmpty)
        #expect(limited.requests[0].tools.map(\.name) == ["terminarLlamada"])
        #expect(all.requests[0].tools.count == 7)
        #expect(all.requests[0].tools.allSatisfy { $0.description.count > 20 }, "each says what it is for")
    }

    @Test("What a model or a caller writes that the database cannot hold does no harm")
    func storesAnything() async throws {
        let model = ScriptedModel([
            .calling("no\0pe", "{\"a\":\"\\u0000b\"}", id: "\0"), .calling("terminarLlamada", "not json"),
            ModelResponse(text: "Fine\0 thanks.\n\nBye"),
        ])
        let scene = try await ConversationScene(model)
        _ = try await scene.turn(1)
        #expect(try await scene.turn(2, "Hi\0 there").say == "Fine thanks. Bye")
        #expect(try await scene.count("tool_calls", where: "NOT success") == 2)
        #expect(try await scene.value("SELECT content FROM turns WHERE number = 2") == "Hi there")
    }

    @Test("A turn of a call that there is not is refused")
    func refusesUnknownCall() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let reply = try await ConversationHandler(scene.services).answer(
            ProcessConversation(callID: 999_999, turn: 1)
        ) { _, _ in }
        #expect(reply == .unknownCall)
    }
}
