public import HTTP
public import Platform

/// A real SMTP server (package aiosmtpd) on loopback with a self-signed certificate, for one test.
public struct MailPeer: Sendable {
    /// What the server demands, and what it refuses.
    public struct Rules: Sendable {
        public var offersSTARTTLS = true
        public var usesTLSFromStart = false
        public var demandsLogin = false
        /// "RCPT" or "DATA" and the reply, such as "550 no such user".
        public var refusal: (command: String, reply: String)?
        public var port = 0
        public var host = "127.0.0.1"
        public init() {}
    }

    /// The server, trusted, with TLS as it offers it.
    public let server: MailServer

    /// Gives what the server accepted, parsed by Python's e-mail package; `subject` is the header as it came.
    public static func run(
        _ rules: Rules = Rules(), _ test: @escaping @Sendable (MailPeer, HTTPClient) async throws -> Void
    ) async throws -> [JSON] {
        let client = HTTPClient(logger: Logger(label: "test", level: .error))
        let accepted = try await PythonPeer.serve(script, rules: input(rules)) { facts in
            try await test(MailPeer(server: server(rules, facts)), client)
        }
        return accepted.array ?? []
    }

    private static func server(_ rules: Rules, _ facts: FormFields) -> MailServer {
        var server = MailServer(host: rules.host, port: facts["port"].flatMap { Int($0) } ?? 0)
        server.certificateAuthorityFile = facts["certificate"]
        server.timeout = .seconds(20)
        return server
    }

    private static func input(_ rules: Rules) -> [String: JSON] {
        [
            "starttls": .bool(rules.offersSTARTTLS),
            "tls": .bool(rules.usesTLSFromStart), "login": .bool(rules.demandsLogin), "host": .string(rules.host),
            "port": .integer(Int64(rules.port)), "refuse": .string(rules.refusal?.command ?? ""),
            "reply": .string(rules.refusal?.reply ?? ""),
        ]
    }

    private static let script = """
        import email, email.policy
        from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

        certificate, context = certify(rules["host"])
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
                    "subject": email.message_from_bytes(envelope.content)["Subject"],
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
            port = server.sockets[0].getsockname()[1]
            await asyncio.to_thread(announce, port=port, certificate=certificate)
            server.close()

        asyncio.run(main())
        json.dump(accepted, sys.stdout)
        """
}
