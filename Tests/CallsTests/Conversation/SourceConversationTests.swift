import Agents
import FoundationEssentials
import HTTP
import Platform
import Postgres
import Simulators
import Testing

@testable import Calls

/// Conversations in the words of callers, with a model behind the real protocol and the tools of a call.
@Suite("A sales conversation")
struct SourceConversationTests {
    /// One call with the simulated sales model; what the agent says to each of the words.
    private func talk(
        in language: String, saying words: [String], knownEmail: Bool = true
    ) async throws -> (ConversationScene, [SpokenAnswer]) {
        let logger = Logger(label: "test", level: .critical)
        let server = SimulatedOpenAI(logger: logger)
        let client = HTTPClient(logger: logger)
        var options = ConversationScene.Options()
        options.language = language
        let scene = try await ConversationScene(ScriptedModel([]), options)
        if !knownEmail { try await scene.services.postgres.query("UPDATE leads SET email = NULL") }
        var settings = OpenAIModel.Configuration(model: "gpt-4o-mini", apiKey: server.apiKey)
        settings.baseURL = try server.start()
        var services = scene.services
        services.model = OpenAIModel(settings, client: client)
        let handler = ConversationHandler(services)
        var answers: [SpokenAnswer] = []
        var job = ProcessConversation(callID: scene.callID, turn: 1)
        for words in [nil] + words.map(Optional.some) {
            (job.speech, job.confidence) = (words, words == nil ? nil : 0.9)
            let reply = try await handler.answer(job) { [services] _, statements in
                try await services.postgres.batch(statements)
            }
            guard case .committed(let answer) = reply else { throw ConversationScene.UnknownCall() }
            answers.append(answer)
            job.turn = answer.nextTurn
        }
        await client.shutDown()
        await server.stop()
        return (scene, answers)
    }

    private func calls(_ scene: ConversationScene) async throws -> [(name: String, arguments: JSON, result: JSON)] {
        try await scene.services.postgres.query("SELECT name, arguments, result FROM tool_calls ORDER BY id").map {
            let (name, arguments, result) = try $0.decode(String.self, JSON.self, JSON.self)
            return (name, arguments, result)
        }
    }

    @Test(
        "From interest to goodbye: times are looked up, one is booked for the address that was said, and the agent hangs up",
        arguments: [
            ("en", "Yes, sure. Could we do next Tuesday?", "The first one, please.", "No, that's all. Goodbye!"),
            (
                "es", "Sí, claro. ¿Podría ser el próximo martes?", "La primera opción, por favor.",
                "No, eso es todo. ¡Adiós!"
            ),
            (
                "pt", "Sim, claro. Poderia ser na próxima terça-feira?", "A primeira opção, por favor.",
                "Não, é só isso. Tchau!"
            ),
        ])
    func whole(_ caller: (language: String, interest: String, choice: String, goodbye: String)) async throws {
        let (scene, answers) = try await talk(
            in: caller.language, saying: [caller.interest, caller.choice, "maria@example.com", caller.goodbye],
            knownEmail: false)
        let calls = try await calls(scene)
        #expect(
            calls.map(\.name) == [CheckAvailabilityTool.name, BookMeetingTool.name, "terminarLlamada"], "\(answers)")
        let slots = try #require(calls[0].result["available_slots"]?.array)
        #expect(
            slots.contains { slot in
                slot["display"]?.string.map { answers[1].say.contains($0) } == true
            }, "a time that is free is offered: \(answers[1].say)")
        #expect(calls[1].arguments["datetime"] == slots.first?["datetime"])
        #expect(calls[1].arguments["guest_email"] == "maria@example.com")
        let event = try #require(scene.calendar.events.first)
        #expect(scene.calendar.events.count == 1 && calls[1].result["meeting_id"]?.string == event.id)
        #expect(
            try await scene.count("meetings", where: "status = 'confirmed' AND guest_email = 'maria@example.com'") == 1)
        #expect(!answers[3].endsCall && answers[4].endsCall && !answers[4].say.isEmpty)
    }

    @Test("A caller who asks plainly whether a day is free gets the calendar's answer for that day")
    func plainQuestion() async throws {
        let (scene, answers) = try await talk(in: "en", saying: ["Check if Tuesday is available."])
        let calls = try await calls(scene)
        #expect(calls.map(\.name) == [CheckAvailabilityTool.name])
        #expect(calls[0].arguments["preferred_date"]?.string?.lowercased() == "tuesday")
        let slot = try #require(calls[0].result["available_slots"]?[0])
        #expect(slot["display"]?.string?.hasPrefix("Tuesday") == true)
        #expect(slot["display"]?.string.map { answers[1].say.contains($0) } == true, "\(answers[1].say)")
    }

    @Test("A meeting takes half an hour unless another length is asked for")
    func duration() async throws {
        for (extra, minutes) in [("", 30.0), (#", "duration_minutes": 45"#, 45)] {
            let model = ScriptedModel { request, number in
                let results = Scripts.results(in: request)
                if results.count > 1 { return ModelResponse(text: "Done.") }
                guard let slot = results.first?["available_slots"]?[0]?["datetime"]?.string else {
                    return .calling(
                        CheckAvailabilityTool.name, #"{"preferred_date": "tomorrow"\#(extra)}"#, id: "call_\(number)")
                }
                return .calling(
                    BookMeetingTool.name,
                    #"{"datetime": "\#(slot)", "guest_email": "ana@example.com", "guest_name": "Ana"\#(extra)}"#,
                    id: "call_\(number)")
            }
            let scene = try await ConversationScene(model)
            _ = try await scene.turn(2, "Tomorrow?")
            let event = try #require(scene.calendar.events.first)
            #expect(event.endsAt.timeIntervalSince(event.startsAt) == minutes * 60)
            let offered = try await calls(scene)[0].result["available_slots"]?[0]
            let ends = try ["datetime", "end"].map {
                try Date(offered?[$0]?.string ?? "", strategy: .iso8601)
            }
            #expect(ends[1].timeIntervalSince(ends[0]) == minutes * 60)
        }
    }
}
