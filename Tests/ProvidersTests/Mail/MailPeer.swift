import HTTP
import Platform
import Synchronization
import TestSupport

/// A real SMTP server (package aiosmtpd) on loopback with a self-signed certificate, for one test.
///
/// It tells its port to an HTTP server of the test, which answers when the test is done; then it gives what it was sent.
struct MailPeer: Sendable {
    /// What the server demands, and what it refuses.
    struct Rules: Sendable {
        var offersSTARTTLS = true
        var usesTLSFromStart = false
        var demandsLogin = false
        /// "RCPT" or "DATA" and the reply, such as "550 no such user".
        var refusal: (command: String, reply: String)?
        var port = 0
        var host = "127.0.0.1"
    }

    /// The server, trusted, with TLS as it offers it.
    let server: MailServer

    /// Gives what the server accepted, parsed by Python's e-mail package.
    static func run(
        _ rules: Rules = Rules(), _ test: @escaping @Sendable (MailPeer, HTTPClient) async throws -> Void
    ) async throws -> [JSON] {
        let logger = Logger(label: "test", level: .error)
        let client = HTTPClient(logger: logger)
        let (ready, report) = AsyncStream.makeStream(of: HTTPServerRequest.self, bufferingPolicy: .bufferingOldest(1))
        let (done, finish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        var configuration = HTTPServer.Configuration()
        configuration.requestDeadline = .seconds(60)
        let control = try HTTPServer(configuration: configuration, logger: logger) { request in
            report.yield(request)
            for await _ in done {}
            return HTTPServerResponse()
        }
        async let output = PythonPeer.run(script, input: input(rules, control: control.port))
        do {
            for await request in ready {
                try await test(MailPeer(server: server(rules, request)), client)
                break
            }
        } catch {
            await control.stop(within: .zero)
            throw error
        }
        finish.finish()
        let messages = try await output
        await control.stop()
        return messages.array ?? []
    }

    private static func server(_ rules: Rules, _ request: HTTPServerRequest) -> MailServer {
        var server = MailServer(host: rules.host, port: request.query["port"].flatMap { Int($0) } ?? 0)
        server.certificateAuthorityFile = request.query["certificate"]
        server.timeout = .seconds(20)
        return server
    }

    private static func input(_ rules: Rules, control: Int) -> JSON {
        [
            "control": "http://127.0.0.1:\(control)/", "starttls": .bool(rules.offersSTARTTLS),
            "tls": .bool(rules.usesTLSFromStart), "login": .bool(rules.demandsLogin), "host": .string(rules.host),
            "port": .integer(Int64(rules.port)), "refuse": .string(rules.refusal?.command ?? ""),
            "reply": .string(rules.refusal?.reply ?? ""),
        ]
    }

    private static let script = """
        import asyncio, email, email.policy, json, ssl, subprocess, sys, tempfile, urllib.parse, urllib.request
        from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

        rules = json.load(sys.stdin)
        folder = tempfile.TemporaryDirectory()
        certificate, key = folder.name + "/certificate.pem", folder.name + "/key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=mail.test",
             "-addext", "subjectAltName=IP:" + rules["host"], "-keyout", key, "-out", certificate],
            check=True, capture_output=True)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        accepted = []

        def text(content, subtype):
            content = content if isinstance(content, str) else content.decode()
            return content if subtype in ("calendar", "ics") else content.replace("\\r\\n", "\\n")

        def part(part):
            return {"type": part.get_content_type(), "name": part.get_filename(), "method": part.get_param("method"),
                    "text": text(part.get_content(), part.get_content_subtype())}

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, options):
                if rules["refuse"] == "RCPT":
                    return rules["reply"]
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                if rules["refuse"] == "DATA":
                    return rules["reply"]
                message = email.message_from_bytes(envelope.content, policy=email.policy.default)
                accepted.append({
                    "from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None,
                    "user": session.auth_data.login.decode() if session.auth_data else None,
                    "headers": {name: str(value) for name, value in message.items()},
                    "defects": [str(d) for p in message.walk() for d in p.defects]
                        + [str(d) for value in message.values() for d in value.defects],
                    "longest": max(len(line) for line in envelope.content.split(b"\\r\\n")),
                    "parts": [part(p) for p in message.walk() if not p.is_multipart()],
                    "shape": [p.get_content_type() for p in message.walk()]})
                return "250 OK"

        def authenticate(server, session, envelope, mechanism, data):
            right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"user", b"right")
            return AuthResult(success=right, handled=False, auth_data=data if right else None)

        def session():
            return SMTP(
                Handler(), hostname="mail.test", tls_context=context if rules["starttls"] else None,
                authenticator=authenticate, auth_required=rules["login"], auth_require_tls=not rules["tls"])

        async def main():
            loop = asyncio.get_running_loop()
            server = await loop.create_server(
                session, rules["host"], rules["port"], ssl=context if rules["tls"] else None)
            query = urllib.parse.urlencode(
                {"port": server.sockets[0].getsockname()[1], "certificate": certificate})
            await asyncio.to_thread(urllib.request.urlopen, rules["control"] + "?" + query)
            server.close()

        asyncio.run(main())
        json.dump(accepted, sys.stdout)
        """
}
