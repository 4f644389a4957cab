import HTTP
import Platform
import Testing

@testable import Simulators

@Suite struct TwilioTransferTests {
    private static let person = "+525598765432"

    private func call(
        _ person: Callee.Kind, _ verbs: String, after: String = "<Hangup/>"
    ) async throws -> SimulatedCall {
        let callees = CalleeBook(
            assigned: ["+525512345678": Callee(.booksFirstSlot), Self.person: Callee(person)])
        let application = TwilioBench.Application { request in
            switch request.path {
            case "/voice": TwilioBench.twiml(verbs)
            case "/status": HTTPServerResponse(status: 204)
            default: TwilioBench.twiml(after)
            }
        }
        var made: SimulatedCall?
        try await TwilioBench.run(TwilioBench.configuration(callees), application: application) { bench in
            made = try await bench.call("+525512345678")
        }
        return try #require(made)
    }

    @Test(
        "A document that dials is told what came of it, by who stands behind the number",
        arguments: [
            (Callee.Kind.booksFirstSlot, "completed"), (.busy, "busy"), (.noAnswer, "no-answer"),
            (.unreachable, "failed"),
        ])
    func dials(_ kind: Callee.Kind, _ status: String) async throws {
        let call = try await call(
            kind,
            "<Say>One moment.</Say><Dial action=\"/done\" timeout=\"10\">\(Self.person)</Dial><Say>Never said.</Say>",
            after: "<Say>Over.</Say><Hangup/>")
        #expect(call.transfers == [.init(number: Self.person, status: status)])
        #expect(call.webhooks.last { $0.url.hasSuffix("/done") }?.parameters["DialCallStatus"] == status)
        #expect(call.transcript.map(\.text) == ["One moment.", "Over."])
        #expect(call.status == .completed && call.applicationErrors.isEmpty)
    }

    @Test("Without an action the document goes on")
    func goesOn() async throws {
        let call = try await call(.busy, "<Dial>\(Self.person)</Dial><Say>Nobody is there.</Say>")
        #expect(call.transcript.map(\.text) == ["Nobody is there."])
    }

    @Test(
        "What Twilio would not dial ends the call with the debugger's code",
        arguments: [
            ("<Dial>5512345678</Dial>", 13223), ("<Dial/>", 13223), ("<Dial to=\"x\">\(person)</Dial>", 12200),
            ("<Dial timeout=\"1\">\(person)</Dial>", 12200), ("<Dial answerOnBridge=\"yes\">\(person)</Dial>", 12200),
        ])
    func refuses(_ verbs: String, _ code: Int) async throws {
        #expect(try await call(.busy, verbs).applicationErrors.map(\.code) == [code])
    }

    @Test("A text message is taken as Twilio takes it, and refused with its code")
    func messages() async throws {
        try await TwilioBench.run { bench in
            let good: FormFields = ["To": Self.person, "From": TwilioBench.number, "Body": "Hola"]
            let taken = try await bench.send(.post, "Messages.json", form: good)
            #expect(taken.status == 201)
            #expect(try taken.json()["sid"]?.string?.hasPrefix("SM") == true)
            for (name, value, code) in [
                ("To", "5512345678", 21211), ("From", "+15550000001", 21606), ("Body", "", 21602),
                ("Body", String(repeating: "a", count: 1_601), 21617), ("Colour", "red", 20001),
            ] as [(String, String, Int64)] {
                var form = good
                form.fields.removeAll { $0.name == name }
                form.add(name, value)
                let refused = try await bench.send(.post, "Messages.json", form: form)
                #expect(try refused.json()["code"]?.integer == code)
            }
            #expect(bench.simulator.messages == [.init(to: Self.person, from: TwilioBench.number, body: "Hola")])
        }
    }
}
