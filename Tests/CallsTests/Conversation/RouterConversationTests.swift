import Agents
import HTTP
import Platform
import Postgres
import Providers
import Simulators
import Testing

@testable import Calls

/// Calls in which the routers are asked, against the simulated router API.
@Suite("A conversation about routers")
struct RouterConversationTests {
    /// Asks what the caller's words are mapped to, then says what the routers answered.
    private static func model(_ questions: [(words: String, question: String)]) -> ScriptedModel {
        ScriptedModel { request, number in
            if case .tool(_, let result)? = request.messages.last {
                return ModelResponse(text: try JSON(parsing: result)["response"]?.string)
            }
            guard case .user(let words)? = request.messages.last,
                let question = questions.first(where: { words.contains($0.words) })?.question
            else { return ModelResponse(text: "¿En qué le puedo ayudar?") }
            return .calling(
                MikroTikTool.name, JSON.object(["pregunta": .string(question)]).text, id: "call_\(number)")
        }
    }

    @Test("One question after another is asked, the second in the light of the first, and each call is kept")
    func followUp() async throws {
        let simulator = SimulatedMikroTik(logger: Logger(label: "test", level: .critical))
        let model = Self.model([
            ("conectados", "¿Cuántos clientes conectados hay en total?"),
            ("router principal", "¿Cuántos clientes conectados hay en router-146?"),
        ])
        var options = ConversationScene.Options()
        options.language = "es"
        let scene = try await ConversationScene(model, options)
        var services = scene.services
        let client = HTTPClient(logger: services.logger)
        services.tools.mikrotik = MikroTikClient(.init(baseURL: try simulator.start()), http: client)
        let handler = ConversationHandler(services)
        func say(_ words: String, turn: Int) async throws -> String {
            let job = ProcessConversation(callID: scene.callID, turn: turn, speech: words, confidence: 0.9)
            guard
                case .committed(let answer) = try await handler.answer(
                    job, commit: { _, statements in try await scene.services.postgres.batch(statements) })
            else { throw ConversationScene.UnknownCall() }
            return answer.say
        }
        #expect(try await say("Necesito saber cuántos clientes están conectados", turn: 2).contains("450"))
        #expect(try await say("¿Y en el router principal?", turn: 4).contains("221"))
        await simulator.stop()
        await client.shutDown()

        #expect(simulator.questions.map { $0.text.contains("146") } == [false, true])
        // What makes the second one understood: the first, its tool call and its answer stand before it.
        let second = try #require(
            model.requests.first { $0.messages.last == .user("¿Y en el router principal?") })
        #expect(second.messages.contains(.user("Necesito saber cuántos clientes están conectados")))
        let results = Scripts.results(in: second)
        #expect(results.contains { $0["response"]?.string?.contains("450") == true })

        let kept = try await services.postgres.query(
            """
            SELECT turn_number, arguments ->> 'pregunta', success, duration_ms >= 0 FROM tool_calls
            WHERE call_id = \(scene.callID) ORDER BY id
            """
        ).map { try $0.decode(Int.self, String.self, Bool.self, Bool.self) }
        #expect(kept.map(\.0) == [3, 5] && kept.map(\.1) == simulator.questions.map(\.text))
        #expect(kept.allSatisfy { $0.2 && $0.3 })
    }
}
