import Calls
import FoundationEssentials
import Jobs
import Platform
import TestSupport
import Testing

@testable import operadora

@Suite struct ConfigurationTests {
    private let complete = [
        "DATABASE_URL": "postgresql://localhost/operadora", "PUBLIC_URL": "https://calls.example.com/",
        "TWILIO_ACCOUNT_SID": "AC123", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM_NUMBER": "+12125550123",
        "OPENAI_API_KEY": "k", "CALENDAR_PROVIDER": "local",
    ]
    private let all: Configuration.Needs = [.database, .webhooks, .providers]

    private func problems(_ changes: [String: String], needs: Configuration.Needs) -> [String] {
        let environment = Environment(complete.merging(changes) { _, new in new })
        do {
            _ = try Configuration(environment, needs: needs)
            return []
        } catch {
            return (error as? ConfigurationError)?.problems ?? ["\(error)"]
        }
    }

    @Test("The documented defaults hold")
    func defaults() throws {
        let configuration = try Configuration(Environment(complete), needs: all)
        #expect(configuration.listen.host == "127.0.0.1" && configuration.listen.port == 8080)
        #expect(configuration.worker.queues == ["turns": 64, "tools": 16, "calls": 16, "default": 16])
        #expect(configuration.worker.heartbeat == .seconds(5) && configuration.worker.deadAfter == .seconds(15))
        #expect(configuration.twilio.baseURL == "https://api.twilio.com")
        #expect(configuration.model.baseURL == "https://api.openai.com/v1")
        #expect(configuration.calendar.baseURL == "https://www.googleapis.com/calendar/v3")
        #expect(configuration.calls.publicURL == "https://calls.example.com")
        #expect(configuration.calls.turnHold == .seconds(10) && configuration.calls.reconcileAfter == .seconds(60))
        #expect(configuration.calls.providerConcurrentCalls == nil && configuration.calls.providerCallsPerSecond == nil)
        #expect(configuration.mail == nil)
        #expect(configuration.pooler == .none)
        #expect(configuration.metrics.host == "127.0.0.1" && configuration.metrics.port == nil)
    }

    @Test("Booking links are kept as they are, a language without one has none, and mails come from FROM_EMAIL")
    func bookingLinks() throws {
        let more = [
            "MEETING_LINK_ES": "https://meetings.example.com/es/?utm=a&b=%C3%B1", "SMTP_SERVER": "smtp.example.com",
            "FROM_EMAIL": "sales@example.com",
        ]
        let configuration = try Configuration(Environment(complete.merging(more) { $1 }), needs: all)
        #expect(configuration.calls.bookingLinks == ["es": "https://meetings.example.com/es/?utm=a&b=%C3%B1"])
        #expect(configuration.calls.senderEmail == "sales@example.com")
    }

    @Test("A command needs only what it uses")
    func needs() throws {
        _ = try Configuration(Environment(["DATABASE_URL": "dbname=operadora"]), needs: .database)
        _ = try Configuration(Environment([:]), needs: [])
    }

    @Test("What is missing is named at once, each with what to set it to")
    func missing() {
        let error = #expect(throws: ConfigurationError.self) { try Configuration(Environment([:]), needs: all) }
        let names = error?.problems.map { $0.prefix { $0 != " " } } ?? []
        #expect(
            Set(names) == [
                "DATABASE_URL", "PUBLIC_URL", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER",
                "OPENAI_API_KEY", "GOOGLE_CREDENTIALS_FILE",
            ])
        #expect(error?.problems.allSatisfy { $0.contains("set it to") || $0.contains("must be") } == true)
    }

    @Test(
        "A wrong variable is named, with what would be right",
        arguments: [
            ("DATABASE_URL", "postgresql//localhost/operadora"), ("DATABASE_URL", "dbname=operadora prot=5432"),
            ("OPENAI_PROMPT_PRICE", "-1"), ("OPENAI_PROMPT_PRICE", "nan"), ("OPENAI_COMPLETION_PRICE", "$1.60"),
            ("OPENAI_COMPLETION_PRICE", "10001"),
            ("INGRESS_PORT", "http"), ("CALL_PROVIDER", "telegraph"), ("TWILIO_ACCOUNT_SID", "SK1"),
            ("TWILIO_FROM_NUMBER", "2125550123"), ("OPENAI_BASE_URL", "api.openai.com"), ("LANGUAGE_MODEL", "gpt"),
            ("CALENDAR_PROVIDER", "paper"), ("BUSINESS_TIMEZONE", "Mars/Olympus"),
            ("BUSINESS_HOURS", "mon 25:00-26:00"), ("MEETING_LINK_ES", "meetings.example.com/demo"),
            ("MEETING_LINK_EN", "javascript:alert(1)"), ("MEETING_LINK_PT", "https://example.com/\"onclick"),
            ("TURN_HOLD_SECONDS", "15"), ("RECONCILE_AFTER_SECONDS", "0"), ("PROVIDER_MAX_CONCURRENT_CALLS", "0"),
            ("PROVIDER_CALLS_PER_SECOND", "nan"), ("WORKER_CONCURRENCY", "0"),
            ("WORKER_QUEUES", "turns:many"), ("WORKER_QUEUES", "turns,turns"), ("WORKER_HEARTBEAT_SECONDS", "10"),
            ("LOG_LEVEL", "loud"), ("LOG_FORMAT", "xml"), ("DATABASE_POOLER", "statement"), ("METRICS_PORT", "http"),
            ("METRICS_PORT", "65536"),
            ("SMTP_PORT", "0"),
            ("SMTP_TLS", "maybe"), ("TOOLS_FILE", "/nowhere/tools.json"), ("TOOLS_ALLOWED_HOSTS", "http://crm"),
            ("ENABLE_MIKROTIK_TOOLS", "perhaps"), ("MIKROTIK_API_URL", "192.168.1.100:5050"),
            ("TRANSFER_NUMBER", "5512345678"),
            ("PUBLIC_URL", "calls.example.com"), ("JOB_SEALING_KEYS", "a:short"),
            ("ALARM_SNAPSHOT_SECONDS", "0"), ("ALARM_XMIN_TRANSACTIONS", "many"), ("ALARM_DEAD_WORKERS", "0"),
            ("ALARM_HOLD_SECONDS", "-1"), ("ALARM_WAIT_SECONDS", "turns:soon"), ("ALARM_WAIT_SECONDS", "60,60"),
            ("ALARM_WAIT_SECONDS", "calls:1,calls:2"), ("ALARM_WAIT_SECONDS", "0"),
        ])
    func wrong(name: String, value: String) {
        let problems = problems([name: value], needs: all)
        #expect(problems.count == 1)
        // Two heartbeats must fit into the time after which a worker is dead: either name is right.
        #expect(problems.allSatisfy { $0.hasPrefix(name) || $0.contains(name) })
        #expect(problems.allSatisfy { $0.contains("must ") || $0.contains("use ") })
    }

    @Test("What is wrong with the file is said at once with all else that is wrong, and no password is")
    func wrongFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "env-\(UUID().uuidString)").path
        try Data("WORKER_CONCURRENCY=many\nhunter2\nDATABASE_URL=host=db password=hunter2 oops\n".utf8)
            .write(to: URL(filePath: file))
        defer { try? FileManager.default.removeItem(atPath: file) }
        let process = complete.filter { $0.key != "DATABASE_URL" }
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(Environment.read(process: process, file: file), needs: all)
        }
        let names = error?.problems.map { String($0.prefix { $0 != " " }) } ?? []
        #expect(names == [file, "DATABASE_URL", "WORKER_CONCURRENCY"])
        #expect(error?.description.contains("line 2 has no \"=\"") == true)
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test("A worker needs what .env.example leaves empty and nothing else; the page has all that is in it")
    func example() throws {
        let root = URL(filePath: TestDatabase.migrations).deletingLastPathComponent()
        let file = root.appending(path: ".env.example")
        let accounts = ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM_NUMBER", "OPENAI_API_KEY"]
        let environment = Environment.read(process: complete.filter { accounts.contains($0.key) }, file: file.path)
        _ = try Configuration(environment, needs: all)

        let page = try DocumentationPage("operations.md").text
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
            let name = line.drop { $0 == "#" }.prefix { $0.isUppercase || $0.isNumber || $0 == "_" }
            #expect(name.isEmpty || page.contains("`\(name)`"), "\(name)")
        }
        // What its relative paths lead to is there in a container, too.
        let compose = try String(contentsOf: root.appending(path: "docker/compose.yaml"), encoding: .utf8)
        #expect(compose.contains("        source: ../data\n        target: /data\n"))
    }

    @Test("The prices of tokens are what a worker counts the cost of calls with; without them the model costs nothing")
    func prices() async throws {
        #expect(CallSettings().currency == "USD", "the unit that the page and the messages state")
        for (variables, prompt, completion) in [
            (["OPENAI_PROMPT_PRICE": "0.40", "OPENAI_COMPLETION_PRICE": "1.60"], 0.4, 1.6), ([:], 0, 0),
        ] as [([String: String], Double, Double)] {
            let configuration = try Configuration(Environment(complete.merging(variables) { $1 }), needs: all)
            let assembly = try Assembly(configuration, process: "worker", maximumConnections: 1, logLevel: .critical)
            let settings = try assembly.callServices().settings
            #expect(settings.promptTokenPrice == prompt && settings.completionTokenPrice == completion)
            await assembly.close()
        }
    }

    @Test("WORKER_CONCURRENCY sizes every queue that has no number of its own")
    func queues() throws {
        let few = try Configuration(Environment(["WORKER_CONCURRENCY": "2"]), needs: [])
        #expect(few.worker.queues == ["turns": 8, "tools": 2, "calls": 2, "default": 2])
        let named = try Configuration(
            Environment(["WORKER_CONCURRENCY": "3", "WORKER_QUEUES": "turns:9, mail"]), needs: [])
        #expect(named.worker.queues == ["turns": 9, "mail": 3])
    }

    @Test("How long a job may wait is set for all queues, and for some by name")
    func waits() throws {
        let usual = try Configuration(Environment([:]), needs: []).alarms
        #expect(usual == AlarmThresholds())
        let set = try Configuration(Environment(["ALARM_WAIT_SECONDS": "calls:600, mail:0.5"]), needs: []).alarms
        #expect(set.oldestWait == .seconds(60))
        #expect(set.oldestWaits == ["calls": .seconds(600), "mail": .seconds(0.5)])
        let rest = try Configuration(Environment(["ALARM_WAIT_SECONDS": "300"]), needs: []).alarms
        #expect(rest.oldestWait == .seconds(300) && rest.oldestWaits.isEmpty)
    }

    @Test("The simulator needs its address, and speaks the same protocol")
    func simulator() {
        #expect(problems(["CALL_PROVIDER": "simulator"], needs: all).count == 1)
        #expect(
            problems(["CALL_PROVIDER": "simulator", "TWILIO_API_BASE_URL": "http://127.0.0.1:1"], needs: all).isEmpty)
    }

    @Test("A service account's file is checked with the rest, by its content")
    func credentials() throws {
        #expect(
            problems(["CALENDAR_PROVIDER": "google", "GOOGLE_CREDENTIALS_FILE": "/dev/null"], needs: all)
                .map { $0.hasPrefix("GOOGLE_CREDENTIALS_FILE cannot be used") } == [true])
        #expect(problems(["CALENDAR_PROVIDER": "google"], needs: .database).isEmpty)
    }

    @Test("A model server of one's own needs no key")
    func keylessModel() {
        #expect(problems(["OPENAI_API_KEY": "", "OPENAI_BASE_URL": "http://127.0.0.1:1/v1"], needs: all).isEmpty)
    }

    @Test("With BAML the model's key is not ours to have, and the server is looked for where it listens by itself")
    func baml() throws {
        let environment = ["LANGUAGE_MODEL": "baml", "OPENAI_API_KEY": ""]
        #expect(problems(environment, needs: all).isEmpty)
        let model = try Configuration(Environment(complete.merging(environment) { $1 }), needs: all).model
        #expect(model.kind == .baml && model.bamlURL == "http://127.0.0.1:2024" && model.bamlPassword == nil)
        #expect(problems(["BAML_URL": "localhost"], needs: all).map { $0.hasPrefix("BAML_URL") } == [true])
    }

    @Test("A fallback model is at the model's own server with its key unless it has an address of its own")
    func fallbackModel() throws {
        func fallback(_ variables: [String: String]) throws -> ModelConfiguration.Server? {
            try Configuration(Environment(complete.merging(variables) { $1 }), needs: all).model.fallback
        }
        #expect(try fallback([:]) == nil)
        let name = ["OPENAI_FALLBACK_MODEL": "small"]
        let same = try #require(try fallback(name))
        #expect(same.name == "small" && same.baseURL == "https://api.openai.com/v1" && same.apiKey?.reveal() == "k")
        let own = name.merging(["OPENAI_FALLBACK_BASE_URL": "http://127.0.0.1:11434/v1/"]) { $1 }
        let other = try #require(try fallback(own))
        #expect(other.baseURL == "http://127.0.0.1:11434/v1" && other.apiKey == nil, "the key goes to its own server")
        let key = try fallback(own.merging(["OPENAI_FALLBACK_API_KEY": "f"]) { $1 })?.apiKey
        #expect(key?.reveal() == "f")
        for (variables, problem) in [
            (["OPENAI_FALLBACK_API_KEY": "f"], "OPENAI_FALLBACK_API_KEY is set, and OPENAI_FALLBACK_MODEL is not"),
            (own.merging(["OPENAI_FALLBACK_BASE_URL": "api.example.com"]) { $1 }, "OPENAI_FALLBACK_BASE_URL"),
            (
                name.merging(["OPENAI_FALLBACK_BASE_URL": "https://api.openai.com/v1"]) { $1 },
                "OPENAI_FALLBACK_API_KEY is not set"
            ),
        ] {
            let found = problems(variables, needs: all)
            #expect(found.contains { $0.hasPrefix(problem) }, "\(found)")
        }
    }

    @Test("The router tool is there when its API is, unless it is switched off; switched on it needs the API")
    func mikrotik() throws {
        func settings(_ variables: [String: String]) throws -> Configuration {
            try Configuration(Environment(variables), needs: [])
        }
        let url = "http://192.168.1.100:5050"
        let on = try settings(["MIKROTIK_API_URL": url + "/"])
        #expect(on.tools.mikrotikURL == url && on.calls.turnBudget == .seconds(40))
        #expect(try settings(["MIKROTIK_API_URL": url, "ENABLE_MIKROTIK_TOOLS": "false"]).tools.mikrotikURL == nil)
        let off = try settings([:])
        #expect(off.tools.mikrotikURL == nil && off.calls.turnBudget == .seconds(25))
        let error = #expect(throws: ConfigurationError.self) { try settings(["ENABLE_MIKROTIK_TOOLS": "true"]) }
        #expect(error?.problems.first?.hasPrefix("MIKROTIK_API_URL is not set") == true)
    }

    @Test("No secret shows in a configuration that is printed")
    func secrets() throws {
        let secrets = [
            "DATABASE_URL": "postgresql://u:hunter2@h/d", "TWILIO_AUTH_TOKEN": "hunter2", "OPENAI_API_KEY": "hunter2",
            "OPENAI_FALLBACK_MODEL": "small", "OPENAI_FALLBACK_API_KEY": "hunter2", "BAML_PASSWORD": "hunter2",
            "API_TOKENS": "hunter2hunter2hunter2", "SMTP_SERVER": "mail.example.com",
            "EMAIL_USER": "u",
            "EMAIL_PASSWORD": "hunter2", "FROM_EMAIL": "a@example.com",
            "JOB_SEALING_KEYS": "a:hunter2hunter2hunter2hunter2hunter2hunter20=",
        ]
        let environment = Environment(complete.merging(secrets) { _, new in new })
        var dumped = ""
        dump(try Configuration(environment, needs: all), to: &dumped)
        #expect(!dumped.contains("hunter2"))
    }
}
