import Calls
import HTTP
import Ingress
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Turns")
struct TurnTests {
    private let voice: FormFields = [
        "CallSid": "CA1", "From": "+15550000001", "To": "+525512345678", "CallStatus": "in-progress",
        "Direction": "outbound-api", "AnsweredBy": "human",
    ]
    private func speech(_ text: String) -> FormFields {
        ["CallSid": "CA1", "CallStatus": "in-progress", "SpeechResult": text, "Confidence": "0.87"]
    }

    @Test("A call goes from turn to turn by the URLs that its answers give")
    func conversation() async throws {
        try await IngressFixture.with(handler: converse) { fixture in
            let call = try await fixture.makeCall()
            let greeting = try await fixture.post("/webhooks/twilio/voice?call=\(call)", voice)
            #expect(greeting.status == 200)
            #expect(greeting.headers["Content-Type"] == "text/xml; charset=utf-8")
            #expect(Spoken.said(greeting) == "Hola, turno 1")
            let next = try #require(Spoken.action(greeting))
            #expect(next == "https://calls.example.com/webhooks/twilio/turn?call=\(call)&turn=2&lang=es-MX")
            #expect(Spoken.redirect(greeting) == next, "silence leads to the same turn")

            let reply = try await fixture.post(next, speech("Mañana a las 3"))
            #expect(Spoken.said(reply) == "Usted dijo: Mañana a las 3")
            #expect(Spoken.action(reply)?.contains("turn=4") == true)

            let silence = try await fixture.post(try #require(Spoken.redirect(reply)), ["CallSid": "CA1"])
            #expect(Spoken.said(silence) == "Hola, turno 4")
            let work = try await fixture.jobs(ProcessConversation.kind)
            #expect(work.map { $0["turn"]?.integer } == [1, 2, 4])
            #expect(work[0]["answered_by"] == "human")
            #expect(work[1]["speech"] == "Mañana a las 3")
            #expect(work[1]["confidence"]?.number == 0.87)
            #expect(work[1]["provider_call_id"] == "CA1")
        }
    }

    @Test("A repeated webhook gets the same bytes, and its turn is worked on once")
    func repeats() async throws {
        let release = Gate()
        let handler: IngressFixture.TurnHandler = {
            await release.wait()
            return try await converse($0, $1, $2)
        }
        try await IngressFixture.with(handler: handler) { fixture in
            let call = try await fixture.makeCall()
            let target = "/webhooks/twilio/voice?call=\(call)"
            async let first = fixture.post(target, voice)
            async let second = fixture.post(target, voice)
            release.open()
            let bodies = try await [first.body, second.body, fixture.post(target, voice).body]
            #expect(Spoken.said(try await fixture.post(target, voice)) == "Hola, turno 1")
            #expect(Set(bodies).count == 1)
            #expect(try await fixture.jobs(ProcessConversation.kind).count == 1)
        }
    }

    @Test("Past the hold the caller hears a filler, and comes back for the answer")
    func filler() async throws {
        let release = Gate()
        let handler: IngressFixture.TurnHandler = {
            await release.wait()
            return try await converse($0, $1, $2)
        }
        try await IngressFixture.with(hold: .seconds(1), handler: handler) { fixture in
            let call = try await fixture.makeCall(language: "pt")
            let held = try await fixture.post("/webhooks/twilio/voice?call=\(call)", voice)
            #expect(held.status == 200)
            #expect(Spoken.said(held) == "Um momento, por favor.")
            let back = try #require(Spoken.redirect(held))
            #expect(back.contains("turn=1&lang=pt-BR&wait=1&job="))
            let again = try await fixture.post(back, ["CallSid": "CA1"])
            #expect(Spoken.said(again) == "Ainda estou verificando. Obrigada por aguardar.")
            release.open()
            // The answer may take until another wait: what counts is that it comes by the URLs alone.
            var response = again
            while Spoken.said(response) != "Hola, turno 1", let next = Spoken.redirect(response), next.contains("wait")
            {
                response = try await fixture.post(next, ["CallSid": "CA1"])
            }
            #expect(Spoken.said(response) == "Hola, turno 1")
            #expect(try await fixture.jobs(ProcessConversation.kind).count == 1)
        }
    }

    @Test("Who has waited too long hears an apology, and the call ends")
    func waitLimit() async throws {
        try await IngressFixture.with(hold: .milliseconds(300)) { fixture in
            let call = try await fixture.makeCall()
            var response = try await fixture.post("/webhooks/twilio/voice?call=\(call)", voice)
            var waits = 0
            while let next = Spoken.redirect(response), waits < 20 {
                waits += 1
                response = try await fixture.post(next, ["CallSid": "CA1"])
            }
            #expect(waits == 6)
            #expect(response.status == 200)
            #expect(Spoken.said(response)?.hasPrefix("Lo siento") == true)
            #expect(response.text.contains("<Hangup/>"))
            #expect(try await fixture.jobs(ProcessConversation.kind).count == 1)
        }
    }

    @Test("A turn whose job failed ends in an apology, never in an error")
    func failure() async throws {
        let handler: IngressFixture.TurnHandler = { _, _, _ in .failed(reason: "the model is away") }
        try await IngressFixture.with(handler: handler) { fixture in
            let call = try await fixture.makeCall()
            let response = try await fixture.post("/webhooks/twilio/voice?call=\(call)", voice)
            #expect(response.status == 200)
            #expect(Spoken.said(response)?.hasPrefix("Lo siento") == true)
            #expect(response.text.contains("<Hangup/>"))
            #expect(!response.text.contains("model"))
        }
    }

    @Test("An answer that a failing job has left is spoken")
    func failureWithAnswer() async throws {
        let handler: IngressFixture.TurnHandler = {
            turn, _, database in
            try await database.client.query(
                """
                INSERT INTO turns (call_id, number, role, content, in_reply_to, ends_call)
                VALUES (\(turn.callID), 1, 'agent', 'Hasta luego', 1, true)
                """)
            return .failed(reason: "no more attempts")
        }
        try await IngressFixture.with(handler: handler) { fixture in
            let call = try await fixture.makeCall()
            let response = try await fixture.post("/webhooks/twilio/voice?call=\(call)", voice)
            #expect(Spoken.said(response) == "Hasta luego")
            #expect(response.text.contains("<Hangup/>"))
        }
    }

    @Test("A call that has ended is hung up, and its answered turns keep their answers")
    func ended() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall(status: "ended")
            try await fixture.addAnswer("Hola", call: call, turn: 1, number: 1)
            let stored = try await fixture.post("/webhooks/twilio/voice?call=\(call)", voice)
            #expect(Spoken.said(stored) == "Hola")
            let late = try await fixture.post("/webhooks/twilio/turn?call=\(call)&turn=2", voice)
            #expect(late.status == 200)
            #expect(late.text.hasSuffix("<Response><Hangup/></Response>"))
            #expect(try await fixture.jobs(ProcessConversation.kind).isEmpty)
        }
    }

    @Test("Last words that arrive after the end of the call are taken, for a request not to be called again")
    func lastWords() async throws {
        try await IngressFixture.with(handler: converse) { fixture in
            let call = try await fixture.makeCall(status: "ended")
            try await fixture.addAnswer("Hola", call: call, turn: 1, number: 1)
            let answer = try await fixture.post(
                "/webhooks/twilio/turn?call=\(call)&turn=2", speech("No me llamen nunca más"))
            #expect(answer.status == 200)
            let work = try await fixture.jobs(ProcessConversation.kind)
            #expect(work.map { $0["speech"] } == ["No me llamen nunca más"])
        }
    }

    @Test("An unknown call and a turn that is not due end politely, without work")
    func notDue() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall()
            try await fixture.addAnswer("Hola", call: call, turn: 1, number: 1)
            for target in [
                "/webhooks/twilio/voice?call=999999", "/webhooks/twilio/turn?call=\(call)&turn=3",
                "/webhooks/twilio/turn?call=\(call)&turn=99999",
            ] {
                let response = try await fixture.post(target, speech("hola"))
                #expect(response.status == 200)
                #expect(Spoken.said(response)?.hasPrefix("Lo siento") == true, "\(target)")
                #expect(response.text.contains("<Hangup/>"))
            }
            #expect(try await fixture.jobs(ProcessConversation.kind).isEmpty)
        }
    }

    @Test("A second leg of a call is hung up: it is not the one that we talk on")
    func strayLeg() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall(sid: "CA1")
            var stray = voice
            stray.fields[0].value = "CA2"
            let response = try await fixture.post("/webhooks/twilio/voice?call=\(call)", stray)
            #expect(response.text.hasSuffix("<Response><Hangup/></Response>"))
            #expect(try await fixture.jobs(ProcessConversation.kind).isEmpty)
        }
    }

    @Test("Endless or unprintable speech is cut and cleaned, not refused")
    func strangeSpeech() async throws {
        try await IngressFixture.with(handler: converse) { fixture in
            let call = try await fixture.makeCall()
            try await fixture.addAnswer("Hola", call: call, turn: 1, number: 1)
            let said = "a\u{0}b\u{1B}  c " + String(repeating: "bla ", count: 3_000)
            let form: FormFields = ["CallSid": "CA1", "SpeechResult": said, "Confidence": "very high"]
            let response = try await fixture.post("/webhooks/twilio/turn?call=\(call)&turn=2", form)
            #expect(Spoken.said(response)?.hasPrefix("Usted dijo: a b c bla bla") == true)
            let work = try await fixture.jobs(ProcessConversation.kind)
            #expect(work[0]["speech"]?.string?.count == 4_000)
            #expect(work[0]["confidence"] == nil)
        }
    }
}
