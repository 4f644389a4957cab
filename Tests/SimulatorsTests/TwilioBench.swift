import FoundationEssentials
import HTTP
import Platform

@testable import Simulators

/// A simulated Twilio beside a small application that answers its webhooks.
struct TwilioBench {
    /// What answers the webhooks.
    struct Application: Sendable {
        let answer: @Sendable (HTTPServerRequest) async -> HTTPServerResponse
        init(_ answer: @escaping @Sendable (HTTPServerRequest) async -> HTTPServerResponse) { self.answer = answer }

        static let hangsUp = Application { _ in twiml("<Hangup/>") }
        static let smallAgent = Application { SmallAgent.answer($0) }
    }

    let simulator: SimulatedTwilio
    let client: HTTPClient
    let baseURL: String
    /// Where the application is.
    let applicationURL: String

    static let number = "+15005550006"

    /// A Twilio whose calls take no time, and as many at once as are wanted.
    static func configuration(_ callees: CalleeBook = CalleeBook()) -> SimulatedTwilio.Configuration {
        var configuration = SimulatedTwilio.Configuration()
        configuration.callsPerSecond = .infinity
        configuration.speed = .infinity
        configuration.callees = callees
        return configuration
    }

    static func run(
        _ configuration: SimulatedTwilio.Configuration = configuration(), faults: FaultPlan = .none,
        application: Application = .hangsUp,
        _ body: (TwilioBench) async throws -> Void
    ) async throws {
        let simulator = SimulatedTwilio(configuration: configuration, faults: faults, logger: Simulation.logger)
        let baseURL = try simulator.start()
        let server = try HTTPServer(configuration: .init(), logger: Simulation.logger, handler: application.answer)
        try await Simulation.withClient { client in
            let bench = TwilioBench(
                simulator: simulator, client: client, baseURL: baseURL,
                applicationURL: "http://127.0.0.1:\(server.port)")
            try await body(bench)
        }
        await simulator.stop()
        await server.stop()
    }

    /// The form of a call that is asked for as Operadora asks.
    func form(to: String, _ more: [(String, String)] = []) -> FormFields {
        var form: FormFields = [
            "To": to, "From": Self.number, "Url": applicationURL + "/voice?call=1",
            "StatusCallback": applicationURL + "/status?call=1", "MachineDetection": "Enable", "Timeout": "30",
        ]
        for event in ["initiated", "ringing", "answered", "completed"] { form.add("StatusCallbackEvent", event) }
        for (name, value) in more {
            form.fields.removeAll { $0.name == name }
            if !value.isEmpty { form.add(name, value) }
        }
        return form
    }

    func send(
        _ method: HTTPClientRequest.Method, _ path: String = "Calls.json", form: FormFields? = nil,
        password: String? = nil
    ) async throws -> HTTPClientResponse {
        let url = "\(baseURL)/2010-04-01/Accounts/\(simulator.accountSID)/\(path)"
        let credentials = "\(simulator.accountSID):\(password ?? simulator.authToken)"
        let headers: HTTPHeaders = ["Authorization": "Basic \(Data(credentials.utf8).base64EncodedString())"]
        let request =
            form.map { HTTPClientRequest(method, url, headers: headers, form: $0) }
            ?? HTTPClientRequest(method, url, headers: headers)
        return try await client.send(request)
    }

    /// Places a call and returns it when it is over.
    func call(_ to: String, _ more: [(String, String)] = []) async throws -> SimulatedCall {
        let sid = try await send(.post, form: form(to: to, more)).json()["sid"]?.string ?? ""
        await simulator.waitForEnd(of: sid)
        guard let call = simulator.call(sid) else { throw SimulatorError("the call was refused") }
        return call
    }

    static func twiml(_ verbs: String) -> HTTPServerResponse {
        .text("<?xml version=\"1.0\"?><Response>\(verbs)</Response>", contentType: "text/xml")
    }
}

/// A telephone agent of a few lines: asks for interest, offers two times, asks for an address, confirms, says goodbye.
enum SmallAgent {
    static let languages = [
        "en": [
            "Hello, would you be interested in a demo?", "I have Tuesday at 10:00 AM or Tuesday at 3:00 PM. Which one?",
            "Good. What is your email?", "Your demo stands. Is there anything else?", "Thank you. Goodbye.",
        ],
        "es": [
            "Hola, ¿le interesaría una demostración?", "Tengo el martes a las 10:00 o a las 15:00. ¿Cuál prefiere?",
            "Bien. ¿Cuál es su correo?", "Su demostración está lista. ¿Algo más?", "Gracias. Hasta luego.",
        ],
        "pt": [
            "Olá, você teria interesse em uma demonstração?", "Tenho terça às 10h ou às 15h. Qual prefere?",
            "Certo. Qual é o seu e-mail?", "Sua demonstração está pronta. Mais alguma coisa?", "Obrigado. Até logo.",
        ],
    ]

    static func answer(_ request: HTTPServerRequest, language: String = "en") -> HTTPServerResponse {
        guard request.path != "/status" else { return HTTPServerResponse(status: 204) }
        let step = Int(request.query["step"] ?? "0") ?? 0
        if request.form["AnsweredBy"] == "machine_start" { return TwilioBench.twiml("<Hangup/>") }
        let words = SpokenWords(request.form["SpeechResult"] ?? "")
        let next = step == 0 ? 1 : words.isEmpty ? step : after(step, words, request.form["SpeechResult"] ?? "")
        let say = "<Say language=\"\(language)-US\">\(languages[language]?[next - 1] ?? "")</Say>"
        guard next < 5 else { return TwilioBench.twiml(say + "<Hangup/>") }
        let silences = (Int(request.query["silences"] ?? "0") ?? 0) + (words.isEmpty ? 1 : 0)
        guard silences < 4 else { return TwilioBench.twiml("<Hangup/>") }
        let again = "/turn?call=1&amp;step=\(next)&amp;silences=\(silences)"
        return TwilioBench.twiml(
            "<Gather input=\"speech dtmf\" action=\"\(again)\" language=\"\(language)-US\" timeout=\"5\" "
                + "speechTimeout=\"auto\">\(say)</Gather><Redirect method=\"POST\">\(again)</Redirect>")
    }

    /// Another day brings the same offer again; an address given with the choice is not asked for.
    private static func after(_ step: Int, _ words: SpokenWords, _ text: String) -> Int {
        if step == 2, words.contain(["what about", "que tal"]) { return 2 }
        return step == 2 && emailAddress(in: text) != nil ? 4 : step + 1
    }
}
