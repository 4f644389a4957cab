import Agents
import Platform
import Postgres
import Testing

@testable import Calls

@Suite("transfer_to_human") struct TransferTests {
    private let number = "+525598765432"

    private func options(_ number: String?) -> ConversationScene.Options {
        var options = ConversationScene.Options()
        options.transferNumber = number
        return options
    }

    @Test("The caller hears the words first; then a person is called, and the agent's part is over")
    func transfers() async throws {
        let model = ScriptedModel([
            .calling("transfer_to_human", #"{"reason":"asked for a person"}"#, saying: "One moment, I'll connect you.")
        ])
        let scene = try await ConversationScene(model, options(number))
        let answer = try await scene.turn(2, "I want to talk to a person")
        #expect(
            answer
                == SpokenAnswer(
                    say: "One moment, I'll connect you.", language: "en", nextTurn: 4, endsCall: true,
                    transferTo: number))
        #expect(try await scene.turn(2, "I want to talk to a person") == answer)
        #expect(try await scene.value("SELECT transfer_to FROM turns WHERE number = 3") == number)
        #expect(try await scene.value("SELECT agent_ended FROM calls WHERE id = \(scene.callID)", as: Bool.self))
        // The number is ours, not the model's to say.
        let result: JSON = try await scene.value("SELECT result FROM tool_calls")
        #expect(result == ["success": true, "system_action": "transfer"])
    }

    @Test("A model without words for it has some put into its mouth", arguments: Language.allCases)
    func hasWords(_ language: Language) async throws {
        var options = options(number)
        options.language = language.rawValue
        let scene = try await ConversationScene(ScriptedModel([.calling("transfer_to_human")]), options)
        let answer = try await scene.turn(2, "…")
        #expect(answer.say == Phrase.transferring.text(in: language) && answer.transferTo == number)
    }

    @Test("Where nobody is configured the model learns that, and ends politely by itself")
    func nobodyThere() async throws {
        let model = ScriptedModel { request, number in
            guard let result = Scripts.results(in: request).last else { return .calling("transfer_to_human") }
            #expect(result["reason"] == "nobody_available")
            return .calling("terminarLlamada", saying: "Nobody is free now; a colleague will call you back. Goodbye.")
        }
        let scene = try await ConversationScene(model, options(nil))
        let answer = try await scene.turn(2, "I want to talk to a person")
        #expect(answer.endsCall && answer.transferTo == nil)
        #expect(answer.say.hasPrefix("Nobody is free now"))
    }

    @Test("A worker that died after the tool leaves a transfer that the next one carries out")
    func survivesCrashes() async throws {
        let model = ScriptedModel { request, _ in
            Scripts.results(in: request).isEmpty
                ? .calling("transfer_to_human", saying: "One moment.") : ModelResponse(text: "I am connecting you.")
        }
        let scene = try await ConversationScene(model, options(number))
        struct Killed: Error {}
        await #expect(throws: Killed.self) {
            try await scene.turn(2, "A person, please") { throw Killed() }
        }
        let answer = try await scene.turn(2, "A person, please")
        #expect(answer.transferTo == number && answer.endsCall && answer.say == "I am connecting you.")
    }
}
