import FoundationEssentials
import HTTP
import Platform
import TestSupport
import Testing

@testable import Providers

#if canImport(Glibc)
    import Glibc
#endif

/// Against a real SMTP server.
@Suite(.enabled(if: PythonPeer.isExpected)) struct MailSenderTests {
    @Test("A message goes out over STARTTLS with a login, and arrives as it was meant")
    func whole() async throws {
        var rules = MailPeer.Rules()
        rules.demandsLogin = true
        let messages = try await MailPeer.run(rules) { peer, client in
            var server = peer.server
            server.user = "user"
            server.password = Secret("right")
            try await MailSender(server: server, client: client).send(Self.message())
        }
        let message = try #require(messages.first)
        #expect(message["tls"] == true)
        #expect(message["user"] == "user")
        #expect(message["from"] == "ventas@example.com")
        #expect(message["to"] == ["ana@example.org"])
        #expect(message["defects"] == [])
        #expect((message["longest"]?.integer ?? 999) <= 78)
        #expect(message["headers"]?["Subject"] == .string(Self.subject))
        #expect(message["headers"]?["From"] == "\"Ventas, S.A.\" <ventas@example.com>")
        #expect(message["headers"]?["To"] == "Ana Muñoz <ana@example.org>")
        #expect(message["headers"]?["Message-ID"] == "<invitation-17@example.com>")
        #expect(message["headers"]?["Date"] == "Tue, 24 Nov 2026 15:04:05 +0000")
        #expect(
            message["shape"] == [
                "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar",
                "application/ics",
                "application/pdf",
            ])
        let parts = message["parts"]?.array ?? []
        #expect(parts.first?["text"]?.string == Self.text)
        #expect(parts.dropFirst().first?["text"] == "<p>Mañana</p>\n")
        #expect(parts.dropFirst(2).first?["method"] == "REQUEST")
        #expect(parts.dropFirst(3).first?["name"] == "invite.ics")
        #expect(parts.dropFirst(3).first?["text"] == .string(Self.calendar.text))
        #expect(parts.last?["name"] == "propuesta ñ.pdf")
    }

    @Test("A server that offers no STARTTLS gets mail only when it may do without")
    func withoutTLS() async throws {
        var rules = MailPeer.Rules()
        rules.offersSTARTTLS = false
        let messages = try await MailPeer.run(rules) { peer, client in
            for security in [MailServer.Security.required, .optional, .off] {
                var server = peer.server
                server.security = security
                let sender = MailSender(server: server, client: client)
                if security == .required {
                    await #expect(throws: MailError.self) { try await sender.send(Self.message()) }
                } else {
                    try await sender.send(Self.message())
                }
            }
        }
        #expect(messages.map { $0["tls"] } == [false, false])
    }

    @Test("TLS is used when it is optional and offered")
    func optionalTLS() async throws {
        let messages = try await MailPeer.run { peer, client in
            var server = peer.server
            server.security = .optional
            try await MailSender(server: server, client: client).send(Self.message())
        }
        #expect(messages.map { $0["tls"] } == [true])
    }

    @Test("A certificate that nobody vouches for stops the mail")
    func untrusted() async throws {
        let messages = try await MailPeer.run { peer, client in
            var server = peer.server
            server.certificateAuthorityFile = nil
            let failure = await #expect(throws: MailError.self) {
                try await MailSender(server: server, client: client).send(Self.message())
            }
            #expect(failure?.code == .unavailable)
        }
        #expect(messages.isEmpty)
    }

    // Only root may listen on 465 everywhere.
    @Test("On port 465 TLS is spoken from the first byte", .enabled(if: geteuid() == 0))
    func implicitTLS() async throws {
        var rules = MailPeer.Rules()
        rules.usesTLSFromStart = true
        rules.offersSTARTTLS = false
        rules.port = 465
        // An address of this test's own: another run may be using the port of 127.0.0.1.
        rules.host = "127.\(Int.random(in: 1...250)).\(Int.random(in: 1...250)).\(Int.random(in: 1...250))"
        let messages = try await MailPeer.run(rules) { peer, client in
            try await MailSender(server: peer.server, client: client).send(Self.message())
        }
        #expect(messages.count == 1)
    }

    @Test(
        "A refusal says whether to try again",
        arguments: [
            ("RCPT", "550 no such user", MailError.Code.refused), ("RCPT", "451 try later", .unavailable),
            ("DATA", "554 no, thank you", .refused), ("DATA", "452 no space", .unavailable),
        ])
    func refusal(command: String, reply: String, code: MailError.Code) async throws {
        var rules = MailPeer.Rules()
        rules.refusal = (command, reply)
        let messages = try await MailPeer.run(rules) { peer, client in
            let failure = await #expect(throws: MailError.self) {
                try await MailSender(server: peer.server, client: client).send(Self.message())
            }
            #expect(failure?.code == code)
            #expect(failure?.description.contains(reply.prefix(3)) == true)
        }
        #expect(messages.isEmpty)
    }

    @Test("A login that is missing or not accepted has a code of its own, and its password is not in the error")
    func wrongPassword() async throws {
        var rules = MailPeer.Rules()
        rules.demandsLogin = true
        let messages = try await MailPeer.run(rules) { peer, client in
            for (password, reply) in [("wrong-password", "535"), (nil, "530")] {
                var server = peer.server
                server.user = password.map { _ in "user" }
                server.password = password.map { Secret($0) }
                let failure = await #expect(throws: MailError.self) {
                    try await MailSender(server: server, client: client).send(Self.message())
                }
                #expect(failure?.code == .loginRefused)
                #expect(failure?.description.contains(reply) == true, "\(failure?.description ?? "")")
                #expect(failure?.description.contains("wrong-password") == false)
            }
        }
        #expect(messages.isEmpty)
    }

    @Test("Lines that begin with a dot arrive with it")
    func dots() async throws {
        let messages = try await MailPeer.run { peer, client in
            var message = try Self.message()
            message.text = ".\n..hidden\n.\nend\n"
            message.html = nil
            try await MailSender(server: peer.server, client: client).send(message)
        }
        #expect(messages.first?["parts"]?[0]?["text"] == ".\n..hidden\n.\nend\n")
    }
}

extension MailSenderTests {
    static let subject = "Invitación: reunión de ventas — propuesta para la próxima semana, con todos los anexos"
    static let text =
        "Hola Ana:\n\n" + String(repeating: "una línea larga con eñes y = signos ", count: 8) + "\nfin con espacio \n"

    static let calendar: CalendarObject = {
        let start = Date(timeIntervalSince1970: 1_795_532_400)
        var object = CalendarObject(
            .request, uid: "abc@example.com", stamp: start.addingTimeInterval(-3_600), startsAt: start,
            endsAt: start.addingTimeInterval(1_800), summary: "Reunión")
        object.sequence = 2
        return object
    }()

    static func message() throws -> MailMessage {
        var message = MailMessage(
            from: try MailAddress("ventas@example.com", name: "Ventas, S.A."),
            to: [try MailAddress("ana@example.org", name: "Ana Muñoz")], subject: subject, text: text,
            messageID: "invitation-17@example.com", date: Date(timeIntervalSince1970: 1_795_532_645))
        message.html = "<p>Mañana</p>\n"
        message.calendar = calendar.text
        message.attachments = [
            MailMessage.Attachment(
                filename: "propuesta ñ.pdf", contentType: "application/pdf", content: Array("%PDF".utf8))
        ]
        return message
    }
}
