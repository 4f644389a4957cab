import Agents
import Calls
import FoundationEssentials
import HTTP
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("The last words of a call")
struct SpokenEndingTests {
    /// What Twilio gets for a turn in which the model answers so.
    private func ending(_ answer: ModelResponse, asked words: String) async throws -> String {
        let handler: IngressFixture.TurnHandler = { turn, context, database in
            let queue = JobQueue(database.client, logger: IngressFixture.logger)
            var services = CallServices(
                postgres: database.client, queue: queue, telephony: Untouched(), calendar: LocalCalendar(),
                model: ScriptedModel([answer]), modelName: "scripted", mailer: nil, settings: CallSettings(),
                metrics: MetricsRegistry(), logger: IngressFixture.logger)
            services.tools.transferNumber = "+525598765432"
            return try await ConversationHandler(services).handle(turn, context: context)
        }
        return try await IngressFixture.with(handler: handler) { fixture in
            let call = try await fixture.makeCall()
            try await fixture.addAnswer("Hola", call: call, turn: 1, number: 1)
            return try await fixture.post(
                "/webhooks/twilio/turn?call=\(call)&turn=2",
                ["CallSid": "CA1", "SpeechResult": words, "Confidence": "0.9"]
            ).text
        }
    }

    @Test("terminarLlamada hangs up after the goodbye, and nothing else follows")
    func hangsUp() async throws {
        let twiml = try await ending(
            .calling("terminarLlamada", saying: "Que tenga un buen día."), asked: "Eso es todo, gracias")
        #expect(
            twiml.wholeMatch(
                of: /.*<Response><Say[^>]*>Que tenga un buen día\.<\/Say><Hangup\/><\/Response>/.dotMatchesNewlines())
                != nil, "\(twiml)")
    }

    @Test("transfer_to_human calls the person after the words")
    func transfers() async throws {
        let twiml = try await ending(
            .calling("transfer_to_human", saying: "Le comunico con una persona."), asked: "Con una persona, por favor")
        #expect(
            twiml.wholeMatch(
                of:
                    /.*<Response><Say[^>]*>Le comunico con una persona\.<\/Say><Dial[^>]*>\+525598765432<\/Dial><\/Response>/
                    .dotMatchesNewlines()) != nil, "\(twiml)")
    }
}

/// No telephone is needed to answer a turn.
private struct Untouched: Telephony {
    struct Asked: Error {}
    func dial(_ request: DialRequest) async throws -> String { throw Asked() }
    func find(to: String, from: String, within age: Duration) async throws -> [ProviderCall] { throw Asked() }
    func state(of id: String) async throws -> ProviderCall? { throw Asked() }
    func hangUp(_ id: String) async throws { throw Asked() }
}
