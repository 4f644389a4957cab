import Agents
import FoundationEssentials
import HTTP
import Platform
import Postgres
import Providers
import Synchronization
import TestSupport
import Testing

@testable import Calls

#if canImport(Glibc)
    import Glibc
#endif

/// The booking link, from the tool's call to a real SMTP server.
@Suite("The booking link by mail", .enabled(if: PythonPeer.isExpected))
struct ScheduleMeetingTests {
    private static let links = [
        "es": "https://meetings.example.com/es?a=1&b=2", "en": "https://meetings.example.com/en",
        "pt": "https://meetings.example.com/pt",
    ]

    /// What the HTML shows, but for the link before the last line; the third is the button's.
    private static let shown = [
        "es": [
            "Hola Ana Muñoz:", "Como acordamos, en este enlace puede elegir el día y la hora que mejor le queden:",
            "Elegir horario", "Si el botón no abre, copie esta dirección en su navegador:",
            "Gracias, y hasta pronto.",
        ],
        "en": [
            "Hello Ana Muñoz:",
            "As agreed, here is the link where you can choose the day and time that suit you:", "Choose a time",
            "If the button does not open, copy this address into your browser:", "Thank you, and see you soon.",
        ],
        "pt": [
            "Olá Ana Muñoz:", "Como combinamos, neste link você pode escolher o dia e o horário que preferir:",
            "Escolher horário", "Se o botão não abrir, copie este endereço no seu navegador:",
            "Obrigado, e até breve.",
        ],
    ]

    /// A call whose mails go through the peer.
    private func call(
        through server: MailServer, _ client: HTTPClient, links: [String: String] = links,
        leadName: String = "Ana Muñoz"
    ) async throws -> (ConversationScene, CallServices) {
        let scene = try await ConversationScene(Scripts.saying())
        try await scene.database.client.query("UPDATE leads SET name = \(leadName)")
        var services = scene.services
        services.settings.bookingLinks = links
        return (scene, try sending(services, through: server, client))
    }

    private func sending(
        _ services: CallServices, through server: MailServer, _ client: HTTPClient
    ) throws -> CallServices {
        var services = services
        services.mailer = SMTPMailer(
            MailSender(server: server, client: client), from: try MailAddress("ventas@example.com"))
        return services
    }

    /// The same, with a worker that sends them.
    private func withCall(
        through server: MailServer, _ client: HTTPClient, links: [String: String] = links,
        leadName: String = "Ana Muñoz",
        _ body: (ConversationScene, CallServices) async throws -> Void
    ) async throws {
        let (scene, services) = try await call(through: server, client, links: links, leadName: leadName)
        try await withWorker(services) { try await body(scene, services) }
    }

    private func tool(
        _ scene: ConversationScene, _ services: CallServices, patience: Duration = .seconds(6)
    ) async throws -> ScheduleMeetingTool {
        let state = try #require(try await TurnRecords(services).load(scene.callID))
        return try #require(ScheduleMeetingTool(services: services, state: state, patience: patience))
    }

    @Test(
        "Over STARTTLS with a login it arrives whole: text and HTML with button and fallback link, in the language asked for"
    )
    func arrives() async throws {
        var rules = MailPeer.Rules()
        rules.demandsLogin = true
        let messages = try await MailPeer.run(rules) { peer, client in
            var server = peer.server
            (server.user, server.password) = ("user", Secret("right"))
            try await withCall(through: server, client) { scene, services in
                for language in ["es", "en", "pt"] {
                    let result = try await tool(scene, services).execute([
                        "email": "ana at example dot org", "language": .string(language),
                    ])
                    #expect(result.value["success"] == true)
                    #expect(result.value["sent"] == true)
                    #expect(result.value["message"]?.string?.contains("ana@example.org") == true)
                    #expect(result.value["language"]?.string == language)
                }
            }
        }
        let subjects = [
            "Su enlace para agendar una reunión", "Your link to book a meeting", "Seu link para marcar uma reunião",
        ]
        #expect(messages.map { $0["headers"]?["Subject"]?.string } == subjects)
        for (message, language) in zip(messages, ["es", "en", "pt"]) {
            let link = try #require(Self.links[language])
            #expect(message["tls"] == true)
            #expect(message["user"] == "user")
            #expect(message["to"] == ["ana@example.org"])
            #expect(message["from"] == "ventas@example.com")
            #expect(message["headers"]?["To"] == "Ana Muñoz <ana@example.org>")
            #expect(message["defects"] == [])
            #expect(message["shape"] == ["multipart/alternative", "text/plain", "text/html"])
            let text = message["parts"]?[0]?["text"]?.string ?? ""
            let html = message["parts"]?[1]?["text"]?.string ?? ""
            #expect(text.contains("\n\(link)\n") && text.contains("Ana Muñoz"))
            #expect(html.contains("<html lang=\"\(language)\">"))
            let shown = try await RenderedHTML(html)
            let words = try #require(Self.shown[language])
            #expect(shown.problems == [])
            #expect(shown.text == Array(words.prefix(4)) + [link, words[4]])
            #expect(shown.links == [.init(link, words[2]), .init(link, link)], "a button and a fallback link")
        }
        for (message, subject) in zip(messages, subjects) {
            let raw = message["subject"]?.string ?? ""
            let isPlain = subject.allSatisfy(\.isASCII)
            #expect(raw.allSatisfy(\.isASCII) && isPlain == (raw == subject))
            for word in raw.split(whereSeparator: \.isWhitespace) where !isPlain {
                let isEncoded = word.wholeMatch(of: /=\?UTF-8\?B\?[A-Za-z0-9+\/]+=*\?=/) != nil
                #expect(isEncoded && word.utf8.count <= 75, "\(raw)")
            }
            #expect(try await RawHeader.decoded(raw) == subject)
        }
        #expect(Set(messages.map { $0["headers"]?["Message-ID"] }).count == 3)
    }

    // Only root may listen on 465 everywhere.
    @Test("On port 465 it goes over TLS from the first byte", .enabled(if: geteuid() == 0))
    func implicitTLS() async throws {
        var rules = MailPeer.Rules()
        (rules.usesTLSFromStart, rules.offersSTARTTLS, rules.demandsLogin) = (true, false, true)
        rules.port = 465
        rules.host = "127.\(Int.random(in: 1...250)).\(Int.random(in: 1...250)).\(Int.random(in: 1...250))"
        let messages = try await MailPeer.run(rules) { peer, client in
            var server = peer.server
            (server.user, server.password) = ("user", Secret("right"))
            try await withCall(through: server, client) { scene, services in
                let result = try await tool(scene, services).execute(["email": "ana@example.org"])
                #expect(result.value["sent"] == true)
            }
        }
        // The server speaks nothing but TLS there.
        #expect(messages.map { $0["user"] } == ["user"])
    }

    @Test("However often it is repeated, at once or after it was sent, one mail goes out; another address gets its own")
    func once() async throws {
        let messages = try await MailPeer.run { peer, client in
            try await withCall(through: peer.server, client) { scene, services in
                let tool = try await tool(scene, services)
                async let first = tool.execute(["email": "ana@example.org"])
                async let second = tool.execute(["email": "ana at example dot org"])
                let results = try await [first, second, tool.execute(["email": "ANA@example.org", "language": "es"])]
                #expect(results.allSatisfy { $0.value["sent"] == true })
                _ = try await tool.execute(["email": "eva@example.org"])
            }
        }
        #expect(messages.count == 2)
    }

    @Test("A language without a link gets the Spanish one, and one that is not known the Spanish mail")
    func fallsBack() async throws {
        let links = ["es": "https://meetings.example.com/es"]
        let messages = try await MailPeer.run { peer, client in
            try await withCall(through: peer.server, client, links: links) { scene, services in
                let tool = try await tool(scene, services)
                _ = try await tool.execute(["email": "a@example.org", "language": "en-US"])
                _ = try await tool.execute(["email": "b@example.org", "language": "fr"])
                _ = try await tool.execute(["email": "c@example.org"])
            }
        }
        let subjects = messages.map { $0["headers"]?["Subject"]?.string ?? "" }
        #expect(subjects.map { $0.hasPrefix("Your") } == [true, false, false])
        #expect(subjects.dropFirst().allSatisfy { $0.hasPrefix("Su enlace") })
        #expect(messages.allSatisfy { $0["parts"]?[0]?["text"]?.string?.contains("meetings.example.com/es") == true })
    }

    @Test("A name cannot add headers or markup")
    func injection() async throws {
        // The letter before the last tag makes one character with its bracket.
        let hostile = "Ana\r\nBcc: eva@example.org\r\n\r\n<script>alert(1)</script>\u{D4E}<img src=x>"
        let messages = try await MailPeer.run { peer, client in
            try await withCall(through: peer.server, client, leadName: hostile) { scene, services in
                let result = try await tool(scene, services).execute(["email": "ana@example.org"])
                #expect(result.value["sent"] == true)
                let refused = try await tool(scene, services).execute([
                    "email": "ana@example.org\r\nBcc: eva@example.org"
                ])
                #expect(refused.value["reason"] == "invalid_email")
            }
        }
        let message = try #require(messages.first)
        #expect(messages.count == 1)
        #expect(message["to"] == ["ana@example.org"])
        #expect(message["headers"]?["Bcc"] == nil)
        #expect(message["defects"] == [])
        let shown = try await RenderedHTML(message["parts"]?[1]?["text"]?.string ?? "")
        #expect(shown.problems == [] && shown.tags.allSatisfy { !["script", "img"].contains($0) })
        #expect(shown.text.first?.contains("<script>alert(1)</script>") == true, "as text")
    }

    @Test("A mail that the server refuses is not said to be sent, and is not tried ten times")
    func refused() async throws {
        var rules = MailPeer.Rules()
        rules.refusal = ("RCPT", "550 no such user")
        let messages = try await MailPeer.run(rules) { peer, client in
            try await withCall(through: peer.server, client) { scene, services in
                let result = try await tool(scene, services).execute(["email": "nobody@example.org"])
                #expect(result.value["success"] == false)
                #expect(result.value["reason"] == "not_sent")
                #expect(result.value["error"]?.string?.contains("not accepted for nobody@example.org") == true)
                #expect(
                    try await scene.value("SELECT state::text FROM finished_jobs WHERE kind = 'send_email'") == "failed"
                )
                #expect(try await scene.value("SELECT attempt FROM finished_jobs WHERE kind = 'send_email'") == 1)
            }
        }
        #expect(messages.isEmpty)
    }
}

extension ScheduleMeetingTests {
    @Test("A login that is refused is not blamed on the address: the mail waits, and goes out when the login is right")
    func wrongLogin() async throws {
        var rules = MailPeer.Rules()
        rules.demandsLogin = true
        let log = LogLines()
        let messages = try await MailPeer.run(rules) { peer, client in
            var server = peer.server
            (server.user, server.password) = ("user", Secret("wrong"))
            var (scene, services) = try await call(through: server, client)
            services.logger = Logger(label: "test", level: .error) { log.add($0) }
            let arguments: JSON = ["email": "ana@example.org"]
            var result = ToolResult(success: true, value: nil)
            try await withWorker(services) {
                let tool = try await tool(scene, services, patience: .milliseconds(100))
                let isTried = try await eventually {
                    result = try await tool.execute(arguments)
                    return !result.success
                }
                #expect(isTried)
            }
            #expect(result.value["reason"] == "not_sent")
            let problem = result.value["error"]?.string ?? ""
            #expect(problem.contains("tried again by itself") && problem.contains("do not ask for another"))
            #expect(log.all.contains { $0.contains("check EMAIL_USER, EMAIL_PASSWORD") })
            #expect(!log.all.joined().contains("wrong"))
            #expect(try await scene.count("finished_jobs", where: "kind = 'send_email'") == 0)

            server.password = Secret("right")
            services = try sending(services, through: server, client)
            try await scene.database.client.query("SELECT wake_job(id) FROM jobs")
            try await withWorker(services) {
                let sent = try await tool(scene, services).execute(arguments)
                #expect(sent.value["sent"] == true)
            }
        }
        #expect(messages.map { $0["to"] } == [["ana@example.org"]])
    }

    private final class LogLines: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }
}

@Suite("The booking link without a mail server in reach")
struct BookingLinkTests {
    @Test("It is not offered without a link, nor without a mail server")
    func notOffered() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        var services = scene.services
        services.settings.bookingLinks = ["es": "https://meetings.example.com"]
        #expect(ScheduleMeetingTool(services: services, state: state) == nil)
        services.mailer = FakeMailer()
        #expect(ScheduleMeetingTool(services: services, state: state) != nil)
        services.settings.bookingLinks = [:]
        #expect(ScheduleMeetingTool(services: services, state: state) == nil)
    }

    @Test("A caller who asks for the link gets the mail, and the agent reads what came of it")
    func asked() async throws {
        let model = ScriptedModel { request, _ in
            guard let result = Scripts.results(in: request).last else {
                return .calling(ScheduleMeetingTool.name, #"{"email":"ana arroba example punto org"}"#)
            }
            return ModelResponse(text: result["message"]?.string)
        }
        var options = ConversationScene.Options()
        options.configure = { $0.bookingLinks = ["es": "https://meetings.example.com"] }
        let scene = try await ConversationScene(model, options)
        var services = scene.services
        let mailer = FakeMailer()
        services.mailer = mailer
        let all = services
        try await withWorker(all) {
            let job = ProcessConversation(callID: scene.callID, turn: 2, speech: "Mándeme el enlace", confidence: 0.9)
            let reply = try await ConversationHandler(all).answer(job) { try await all.postgres.batch($1) }
            guard case .committed(let answer) = reply else { throw ConversationScene.UnknownCall() }
            #expect(answer.say == "Se envió a ana@example.org el correo con el enlace para agendar")
        }
        #expect(mailer.sent.map(\.to) == ["ana@example.org"])
        #expect(mailer.sent.first?.text.contains("https://meetings.example.com") == true)
        #expect(try await scene.count("tool_calls", where: "name = 'schedule_meeting' AND success") == 1)
    }

    @Test("What is committed and not sent yet is said to be on its way, and is sent once when a worker comes")
    func onItsWay() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        var services = scene.services
        services.settings.bookingLinks = ["es": "https://meetings.example.com"]
        let mailer = FakeMailer()
        services.mailer = mailer
        let tool = try #require(ScheduleMeetingTool(services: services, state: state, patience: .milliseconds(1)))
        let result = try await tool.execute(["email": "ana@example.org"])
        #expect(result.value["success"] == true)
        #expect(result.value["sent"] == false)
        #expect(try await tool.execute(["email": "ana@example.org"]) == result)
        let all = services
        try await withWorker(all) {
            let patient = try #require(ScheduleMeetingTool(services: all, state: state))
            #expect(try await patient.execute(["email": "ana@example.org"]).value["sent"] == true)
        }
        #expect(mailer.sent.map(\.to) == ["ana@example.org"])
    }
}
