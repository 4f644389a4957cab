import HTTP
import Postgres
import TestSupport
import Testing

@Suite("Transfers")
struct TransferTests {
    private func finished(_ status: String) -> FormFields { ["CallSid": "CA1", "DialCallStatus": status] }

    @Test("After the words a person is called, and a repeated webhook gets the same")
    func dials() async throws {
        try await IngressFixture.with { fixture in
            let call = try await fixture.makeCall()
            try await fixture.database.client.query(
                """
                INSERT INTO turns (call_id, number, role, content, in_reply_to, ends_call, transfer_to)
                VALUES (\(call), 1, 'agent', 'Le comunico.', 1, true, '+525598765432')
                """)
            let target = "/webhooks/twilio/voice?call=\(call)"
            let form: FormFields = ["CallSid": "CA1", "CallStatus": "in-progress", "Direction": "outbound-api"]
            let answer = try await fixture.post(target, form)
            #expect(Spoken.said(answer) == "Le comunico.")
            #expect(answer.text.contains(">+525598765432</Dial></Response>"))
            #expect(
                Spoken.action(answer)
                    == "https://calls.example.com/webhooks/twilio/transfer?call=\(call)&lang=es-MX")
            #expect(try await fixture.post(target, form).body == answer.body)
        }
    }

    @Test("When the person has talked with the caller, the call is over")
    func talked() async throws {
        try await IngressFixture.with { fixture in
            for status in ["completed", "answered"] {
                let answer = try await fixture.post("/webhooks/twilio/transfer?call=1&lang=es-MX", finished(status))
                #expect(answer.status == 200 && answer.text.contains("<Response><Hangup/></Response>"))
            }
        }
    }

    @Test(
        "When nobody answers, the caller hears so in their language, and a goodbye",
        arguments: [
            ("en-US", "Goodbye."), ("es-MX", "Hasta luego."), ("es-ES", "Hasta luego."), ("pt-BR", "Até logo."),
        ])
    func nobody(_ language: String, _ goodbye: String) async throws {
        try await IngressFixture.with { fixture in
            for status in ["busy", "no-answer", "failed", "canceled"] {
                let answer = try await fixture.post(
                    "/webhooks/twilio/transfer?call=1&lang=\(language)", finished(status))
                #expect(Spoken.said(answer)?.hasSuffix(goodbye) == true)
                #expect(answer.text.hasSuffix("<Hangup/></Response>"))
            }
        }
    }

    @Test("What is not Twilio's word is refused")
    func refuses() async throws {
        try await IngressFixture.with { fixture in
            let target = "/webhooks/twilio/transfer?call=1"
            let forged = try await fixture.post(target, finished("completed"), signature: "wrong")
            let unknown = try await fixture.post(target, finished("eaten"))
            let empty = try await fixture.post(target, ["CallSid": "CA1"])
            #expect([forged.status, unknown.status, empty.status] == [403, 422, 422])
        }
    }
}
