import FoundationEssentials
import HTTP
import Platform
import Postgres
import Simulators
import TestSupport
import Testing

@Suite struct DoctorTests {
    /// "check state" of each finding.
    private func findings(_ environment: [String: String]) async throws -> (
        exit: ChildProcess.Exit, states: [String: String], text: String
    ) {
        let result = try await Executable.run("doctor", "--json", environment: environment)
        let findings = try JSON(parsing: result.output).array ?? []
        let states = findings.compactMap { finding in
            finding["check"]?.string.flatMap { name in finding["state"]?.string.map { (name, $0) } }
        }
        return (result.exit, Dictionary(states) { first, _ in first }, result.output)
    }

    @Test("The doctor finds each provider in order, or says which one refuses and what to do")
    func providers() async throws {
        let logger = Logger(label: "test", level: .critical)
        let (twilio, openAI, google) = (
            SimulatedTwilio(logger: logger), SimulatedOpenAI(logger: logger), try SimulatedGoogle(logger: logger)
        )
        let database = try await TestDatabase.make()
        let credentials = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: credentials) }
        var environment = [
            "DATABASE_URL": database.connectionString, "PUBLIC_URL": "http://127.0.0.1:1", "CALL_PROVIDER": "simulator",
            "TWILIO_API_BASE_URL": try twilio.start(), "TWILIO_ACCOUNT_SID": twilio.accountSID,
            "TWILIO_AUTH_TOKEN": twilio.authToken, "TWILIO_FROM_NUMBER": "+15005550006",
            "OPENAI_BASE_URL": try openAI.start(), "OPENAI_API_KEY": openAI.apiKey,
            "GOOGLE_CALENDAR_BASE_URL": try google.start(), "GOOGLE_CREDENTIALS_FILE": credentials,
        ]
        try google.writeCredentials(to: credentials)

        let good = try await findings(environment)
        #expect(
            good.states == [
                "configuration": "ok", "database": "ok", "migrations": "ok", "alarms": "ok", "PUBLIC_URL": "failed",
                "Twilio": "ok",
                "language model": "ok", "calendar": "ok", "mail": "skipped", "MikroTik": "skipped",
            ])
        #expect(good.exit == .status(1) && good.text.contains("start operadora ingress"))

        environment.merge([
            "TWILIO_AUTH_TOKEN": "wrong", "OPENAI_API_KEY": "wrong", "GOOGLE_CALENDAR_ID": "someone@else.example",
            "SMTP_SERVER": "127.0.0.1", "SMTP_PORT": "1", "FROM_EMAIL": "a@example.com",
        ]) { _, new in new }
        let bad = try await findings(environment)
        for check in ["Twilio", "language model", "calendar", "mail"] { #expect(bad.states[check] == "failed") }
        #expect(bad.text.contains("set OPENAI_API_KEY anew") && bad.text.contains("share the calendar"))
        await twilio.stop()
        await openAI.stop()
        await google.stop()
    }

    @Test(
        "The doctor finds the BAML server, or says that it is away, refuses the password, or serves another release",
        .enabled(if: PythonPeer.isExpected))
    func baml() async throws {
        let database = try await TestDatabase.make()
        let old = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString)/baml_src")
        try FileManager.default.createDirectory(at: old, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: old.deletingLastPathComponent()) }
        try #"""
        client<llm> Model {
          provider openai-generic
          options {
            base_url "http://127.0.0.1:1/v1"
            model "m"
          }
        }
        function AnswerTurn(text: string) -> string {
          client Model
          prompt #"{{ text }}"#
        }
        """#.write(to: old.appending(path: "old.baml"), atomically: true, encoding: .utf8)
        let (current, previous) = (
            try await BAMLServer.start(modelURL: "http://127.0.0.1:1/v1"),
            try await BAMLServer.start(modelURL: nil, source: old.path)
        )
        for (url, password, state, text) in [
            (current.url, BAMLServer.password, "ok", "serves 3 functions"),
            (current.url, "wrong", "failed", "set BAML_PASSWORD anew"),
            (previous.url, BAMLServer.password, "failed", "has no function AnswerBySchema, ConcludeCall"),
            ("http://127.0.0.1:1", "", "failed", "start baml-cli serve"),
        ] {
            let found = try await findings([
                "DATABASE_URL": database.connectionString, "LANGUAGE_MODEL": "baml", "BAML_URL": url,
                "BAML_PASSWORD": password,
            ])
            #expect(found.states["language model"] == state && found.text.contains(text), "\(found.text)")
        }
        await current.stop()
        await previous.stop()
    }

    @Test(
        "The doctor logs in to the mail server, or says that the login or the certificate is wrong and what to do",
        .enabled(if: PythonPeer.isExpected))
    func mail() async throws {
        let database = try await TestDatabase.make()
        var rules = MailPeer.Rules()
        rules.demandsLogin = true
        let sent = try await MailPeer.run(rules) { peer, _ in
            let authority = try #require(peer.server.certificateAuthorityFile)
            for (password, trusted, state, text) in [
                ("right", authority, "ok", "takes mail from us"),
                ("wrong-password", authority, "failed", "set EMAIL_USER and EMAIL_PASSWORD anew"),
                ("right", nil, "failed", "SSL_CERT_FILE names the authorities of its certificate"),
            ] {
                var environment = [
                    "DATABASE_URL": database.connectionString, "SMTP_SERVER": "127.0.0.1",
                    "SMTP_PORT": "\(peer.server.port)", "FROM_EMAIL": "a@example.com", "EMAIL_USER": "user",
                    "EMAIL_PASSWORD": password,
                ]
                environment["SSL_CERT_FILE"] = trusted
                let found = try await findings(environment)
                #expect(found.states["mail"] == state && found.text.contains(text), "\(found.text)")
                #expect(!found.text.contains("wrong-password"))
            }
        }
        #expect(sent.isEmpty)
    }

    @Test("The doctor says that guests will not be told, where neither calendar nor mail server would")
    func silentInstallation() async throws {
        let google = try SimulatedGoogle(logger: Logger(label: "test", level: .critical))
        let credentials = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString).json").path
        defer { try? FileManager.default.removeItem(atPath: credentials) }
        let service = ["GOOGLE_CREDENTIALS_FILE": credentials, "GOOGLE_CALENDAR_BASE_URL": try google.start()]
        try google.writeCredentials(to: credentials)
        let delegated = service.merging(["GOOGLE_IMPERSONATE": "sales@example.com"]) { $1 }
        for (environment, isSilent) in [(["CALENDAR_PROVIDER": "local"], true), (service, true), (delegated, false)] {
            let found = try await findings(environment)
            #expect(found.states["mail"] == "skipped")
            #expect(found.text.contains("the calendar invites nobody") == isSilent, "\(found.text)")
        }
        await google.stop()
    }

    @Test(
        "A server that does not list its models is one when it knows /chat/completions",
        arguments: [
            (400, "ok", "does not list its models"), (422, "ok", "does not list its models"),
            (401, "failed", "set OPENAI_API_KEY anew"), (404, "failed", "does its path end in /v1"),
            (405, "failed", "look at OPENAI_BASE_URL"), (500, "failed", "answers 500"),
        ])
    func unlistedModels(_ status: Int, _ state: String, _ text: String) async throws {
        let server = try HTTPServer(configuration: .init(), logger: Logger(label: "test", level: .critical)) {
            request in
            let isChat = request.method == "POST" && request.path == "/v1/chat/completions"
            return HTTPServerResponse(status: isChat ? status : 404)
        }
        let serving = Task { try await server.run() }
        let found = try await findings([
            "OPENAI_BASE_URL": "http://127.0.0.1:\(server.port)/v1", "OPENAI_API_KEY": "sk-x",
        ])
        #expect(found.states["language model"] == state && found.text.contains(text), "\(found.text)")
        await server.stop(within: .seconds(1))
        try await serving.value
    }

    @Test("Each alarm that is raised is named, with what to do, by the thresholds of the environment")
    func alarms() async throws {
        let database = try await TestDatabase.make()
        try await database.client.query("INSERT INTO queues (name) VALUES ('calls')")
        try await database.client.query(
            "INSERT INTO jobs (kind, queue, run_at) VALUES ('work', 'calls', now() - interval '100 s')")
        for (wait, state) in [("60", "failed"), ("60,calls:3600", nil)] {
            let found = try await findings([
                "DATABASE_URL": database.connectionString, "ALARM_WAIT_SECONDS": wait,
            ])
            #expect(found.states["alarm oldest_wait of calls"] == state)
            #expect(found.text.contains("start more workers that serve the queue") == (state != nil))
        }
    }

    @Test("What is not configured is named, and the rest is checked all the same")
    func incomplete() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let found = try await findings(["DATABASE_URL": database.connectionString])
        #expect(found.exit == .status(1))
        #expect(found.states["database"] == "ok" && found.states["migrations"] == "failed")
        #expect(found.states["TWILIO_AUTH_TOKEN"] == "failed" && found.states["Twilio"] == "skipped")
        #expect(found.text.contains("not checked before TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are right"))
        #expect(found.text.contains("not checked before GOOGLE_CREDENTIALS_FILE is right"))
        #expect(found.states["GOOGLE_CREDENTIALS_FILE"] == "failed" && found.states["calendar"] == "skipped")
        let unreadable = try await findings(["DATABASE_URL": "postgresql//localhost"])
        #expect(unreadable.states["DATABASE_URL"] == "failed" && unreadable.states["database"] == "skipped")
    }
}
