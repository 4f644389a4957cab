import Agents
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("A claim that nothing stands behind")
struct BookingClaimGuardTests {
    private static let claims = [
        Language.english: "I've booked your meeting for Tuesday.",
        .spanish: "Su reunión quedó agendada para el martes.",
        .portuguese: "Agendei a sua reunião para terça.",
    ]

    private func scene(_ language: Language, _ model: ScriptedModel) async throws -> ConversationScene {
        var options = ConversationScene.Options()
        options.language = language.rawValue
        return try await ConversationScene(model, options)
    }

    @Test("It is not spoken: the model gets one chance to answer otherwise", arguments: Language.allCases)
    func corrects(_ language: Language) async throws {
        let claim = Self.claims[language] ?? ""
        let model = Scripts.saying(claim, "¿? Which day?")
        let scene = try await scene(language, model)
        #expect(try await scene.turn(2, "Tuesday").say == "¿? Which day?")
        #expect(model.requests.count == 2)
        #expect(model.requests[1].messages.contains(.assistant(claim)))
        #expect(try await scene.value("SELECT model_calls FROM turns WHERE number = 3") == 2)
    }

    @Test("A model that insists is spoken over with what is so", arguments: Language.allCases)
    func insists(_ language: Language) async throws {
        let claim = Self.claims[language] ?? ""
        let scene = try await scene(language, Scripts.saying(claim, claim))
        let answer = try await scene.turn(2, "Tuesday")
        #expect(answer.say == Phrase.nothingBookedYet.text(in: language))
        #expect(!answer.endsCall)
    }

    @Test("It may use the chance to book, and then says so")
    func books() async throws {
        let booking = Scripts.booking()
        let model = ScriptedModel { request, number in
            number == 0 ? ModelResponse(text: "You are all set.") : try await booking.respond(to: request)
        }
        let scene = try await ConversationScene(model)
        #expect(try await scene.turn(2, "Tomorrow").say == "I've booked it.")
        #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
    }

    @Test("A goodbye that claims a booking does not end the call")
    func staysOnTheLine() async throws {
        let claim = ModelResponse.calling("terminarLlamada", saying: "Your meeting is booked. Goodbye!")
        let scene = try await ConversationScene(ScriptedModel { _, _ in claim })
        let answer = try await scene.turn(2, "Tuesday")
        #expect(answer.say == Phrase.nothingBookedYet.text(in: .english))
        #expect(!answer.endsCall)
    }

    @Test("With a confirmed meeting the same words are spoken, also turns later")
    func speaksTruth() async throws {
        let booking = Scripts.booking()
        let scene = try await ConversationScene(
            ScriptedModel { request, _ in
                request.messages.last == .user("Is it booked?")
                    ? ModelResponse(text: "Yes, it is booked.") : try await booking.respond(to: request)
            })
        _ = try await scene.turn(1)
        #expect(try await scene.turn(2, "Tomorrow").say == "I've booked it.")
        #expect(try await scene.turn(4, "Is it booked?").say == "Yes, it is booked.")
    }

    @Test("A meeting that is committed is said even when the model then fails")
    func saysWhatIsCommitted() async throws {
        let booking = Scripts.booking()
        let scene = try await ConversationScene(
            ScriptedModel { request, _ in
                if Scripts.results(in: request).contains(where: { $0["meeting_id"] != nil }) {
                    throw ModelError(.unavailable, "away")
                }
                return try await booking.respond(to: request)
            })
        let answer = try await scene.turn(2, "Tomorrow")
        let when: String = try await scene.value(
            "SELECT result->'meeting'->>'display' FROM tool_calls WHERE name = 'book_meeting'")
        #expect(answer.say == Phrase.booked(when: when).text(in: .english))
    }
}
