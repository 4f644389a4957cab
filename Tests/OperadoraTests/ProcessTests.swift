import FoundationEssentials
import Glibc
import HTTP
import Platform
import Postgres
import TestSupport
import Testing

@Suite struct ProcessTests {
    private let unreachable = [
        "DATABASE_URL": "host=/nonexistent dbname=x connect_timeout=1", "PUBLIC_URL": "http://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t", "TWILIO_FROM_NUMBER": "+12125550123",
        "OPENAI_API_KEY": "k", "CALENDAR_PROVIDER": "local", "INGRESS_PORT": "0", "LOG_FORMAT": "text",
    ]

    @Test("A wrong configuration ends a process with status 1 and one line for each wrong variable")
    func wrongConfiguration() async throws {
        let result = try await Executable.run(
            "worker", environment: ["WORKER_CONCURRENCY": "many", "TWILIO_AUTH_TOKEN": "hunter2"])
        #expect(result.exit == .status(1))
        let names = result.error.split(separator: "\n").map { $0.dropFirst("operadora: ".count).prefix { $0 != " " } }
        #expect(Set(names).isSuperset(of: ["DATABASE_URL", "PUBLIC_URL", "WORKER_CONCURRENCY", "OPENAI_API_KEY"]))
        #expect(Set(names).count == names.count)
        #expect(!result.error.contains("hunter2"))
    }

    @Test("Wrong arguments end a process with status 2, help with status 0")
    func statuses() async throws {
        let wrong = try await Executable.run("leads", "import")
        #expect(wrong.exit == .status(2) && wrong.output.isEmpty && wrong.error.contains("Missing expected argument"))
        let help = try await Executable.run("leads", "import", "--help")
        #expect(help.exit == .status(0) && help.error.isEmpty && help.output.contains("EXAMPLE"))
    }

    @Test("The version has the newest migration that is there, and is told whatever else is wrong")
    func version() async throws {
        let migrations = try FileManager.default.contentsOfDirectory(atPath: TestDatabase.migrations)
        let newest = migrations.count { $0.hasSuffix(".up.sql") }
        let run = try await Executable.run("--version", environment: ["WORKER_CONCURRENCY": "many"])
        #expect(run.exit == .status(0) && run.error.isEmpty && run.output == "operadora 0.1.0 (migration \(newest))\n")
        let lost = try await Executable.run("--version", environment: ["MIGRATIONS_DIR": "/nowhere"])
        #expect(lost.exit == .status(0) && lost.output == "operadora 0.1.0\n")
        #expect(try await Executable.run("--help").output.contains("--version"))
    }

    @Test("A worker waits for a database that is down, and SIGTERM ends the wait")
    func waitsForDatabase() async throws {
        let worker = try Executable(["worker"], unreachable)
        #expect(await worker.error.line { $0.contains("waiting for the database") } != nil)
        worker.process.signal(SIGTERM)
        #expect(try await worker.process.exit() == .status(0))
    }

    @Test("Connections for which there is no descriptor wait; they do not keep the ingress busy")
    func outOfDescriptors() async throws {
        let limited = ["-c", #"ulimit -n 64 && exec "$0" ingress"#, Executable.path]
        let ingress = try Executable(limited, unreachable, path: "/bin/sh")
        defer { ingress.process.signal(SIGKILL) }
        let listening = try #require(await ingress.error.line { $0.contains("listening") })
        let port = try #require(
            listening.split(separator: "port=").last.flatMap { UInt16($0.prefix(while: \.isNumber)) })
        let clients = (0..<100).map { _ in Self.connect(port) }
        #expect(clients.allSatisfy { $0 >= 0 })
        // It says so each time that it looks.
        let watch = Stopwatch()
        for _ in 0..<3 { #expect(await ingress.error.line { $0.contains("no connection can be accepted now") } != nil) }
        #expect(watch.elapsed >= .milliseconds(900))
        for client in clients { close(client) }
        let client = HTTPClient(logger: Logger(label: "tests", level: .critical))
        let request = HTTPClientRequest(.get, "http://127.0.0.1:\(port)/nowhere")
        // Those that have left are found one after the other.
        #expect(try await eventually { (try? await client.send(request))?.status == 404 })
        await client.shutDown()
        ingress.process.signal(SIGTERM)
        #expect(try await ingress.process.exit() == .status(0))
    }

    private static func connect(_ port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return status == 0 ? descriptor : -1
    }

    @Test("An ingress answers while the database is down, and SIGTERM stops it gracefully")
    func ingressWithoutDatabase() async throws {
        let ingress = try Executable(["ingress"], unreachable)
        #expect(await ingress.error.line { $0.contains("listening") } != nil)
        ingress.process.signal(SIGTERM)
        #expect(try await ingress.process.exit() == .status(0))
    }

    @Test("A process on a database without migrations ends with status 1 and says which command applies them")
    func missingMigrations() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let environment = unreachable.merging(["DATABASE_URL": database.connectionString]) { _, new in new }
        for command in ["worker", "ingress"] {
            let result = try await Executable.run(command, environment: environment)
            #expect(result.exit == .status(1))
            #expect(result.error.contains("run operadora migrate up"))
        }
    }

    @Test("Nothing runs on a schema that it does not know, and a database that is away is named")
    func unknownSchema() async throws {
        let database = try await TestDatabase.make()
        try await database.client.query(
            "INSERT INTO schema_migrations (number, name, checksum) VALUES (999, 'from_the_future', repeat('0', 64))")
        let environment = unreachable.merging(["DATABASE_URL": database.connectionString]) { _, new in new }
        for command in ["worker", "ingress", "doctor"] {
            let result = try await Executable.run(command, environment: environment)
            #expect(result.exit == .status(1), "\(command)")
            #expect((result.error + result.output).contains("from_the_future"), "\(command)")
        }
        let status = try await Executable.run("campaign", "status", environment: environment)
        #expect(status.exit == .status(1) && status.error.contains("from_the_future"))
        let away = try await Executable.run("campaign", "status", environment: unreachable)
        #expect(away.exit == .status(1) && away.error.contains("look at DATABASE_URL"))
    }

    @Test("A worker says when it starts that guests will not be told, where neither calendar nor mail server would")
    func silentInstallation() async throws {
        let database = try await TestDatabase.make()
        let environment = unreachable.merging(["DATABASE_URL": database.connectionString]) { _, new in new }
        let silent = try Executable(["worker"], environment)
        #expect(await silent.error.line { $0.contains("the calendar invites nobody") } != nil)
        silent.process.signal(SIGTERM)
        #expect(try await silent.process.exit() == .status(0))

        let mail = ["SMTP_SERVER": "127.0.0.1", "SMTP_PORT": "1", "FROM_EMAIL": "a@example.com"]
        let mailing = try Executable(["worker"], environment.merging(mail) { _, new in new })
        // Said in its place.
        #expect(await mailing.error.line { $0.contains("no JOB_SEALING_KEYS") } != nil)
        mailing.process.signal(SIGTERM)
        async let rest = mailing.error.rest()
        #expect(try await mailing.process.exit() == .status(0))
        #expect(await !rest.contains("invites nobody"))
    }

    @Test("A worker says when it starts which tools the agent is offered, and names none that is switched off")
    func offeredTools() async throws {
        let database = try await TestDatabase.make()
        let environment = unreachable.merging([
            "DATABASE_URL": database.connectionString, "MIKROTIK_API_URL": "http://127.0.0.1:1",
        ]) { _, new in new }
        for (isOn, names) in [("true", "consultar_mikrotik transfer_to_human"), ("false", "transfer_to_human")] {
            let worker = try Executable(
                ["worker"], environment.merging(["ENABLE_MIKROTIK_TOOLS": isOn]) { _, new in new })
            let line = await worker.error.line { $0.contains("tools that the agent is offered") }
            let own = "check_calendar_availability book_meeting reschedule_meeting cancel_meeting"
            #expect(line?.hasSuffix(" tools=\(own) \(names) terminarLlamada abrirEnlace") == true, "\(line ?? "")")
            worker.process.signal(SIGTERM)
            #expect(try await worker.process.exit() == .status(0))
        }
    }

    @Test("Migrations go up, show, and go down")
    func migrations() async throws {
        let database = try await TestDatabase.make(migrated: false)
        let environment = ["DATABASE_URL": database.connectionString]
        #expect(try await Executable.run("migrate", "up", environment: environment).exit == .status(0))
        let status = try await Executable.run("migrate", "status", "--json", environment: environment)
        let rows = try #require(try JSON(parsing: status.output).array)
        #expect(rows.count >= 4 && rows.allSatisfy { $0["state"] == "applied" })
        let down = try await Executable.run("migrate", "down", "--count", "1", environment: environment)
        #expect(down.exit == .status(0) && down.output.hasPrefix("Reverted \(rows.count) "))
    }

    @Test("The status of migrations that are refused shows them, says why, and fails")
    func refusedMigrations() async throws {
        let database = try await TestDatabase.make()
        let environment = ["DATABASE_URL": database.connectionString]
        try await database.client.query("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE number = 1")
        let table = try await Executable.run("migrate", "status", environment: environment)
        #expect(table.exit == .status(1) && table.output.contains("applied"))
        #expect(table.error.contains("001_jobs.up.sql was changed after it was applied"))
        let json = try await Executable.run("migrate", "status", "--json", environment: environment)
        #expect(json.exit == .status(1) && json.error == table.error)
        #expect(try JSON(parsing: json.output)[0]?["name"] == "jobs")
    }

    @Test("A campaign is created, filled, launched, paused, resumed and shown from the command line")
    func campaign() async throws {
        let database = try await TestDatabase.make()
        let environment = ["DATABASE_URL": database.connectionString]
        func run(_ arguments: String...) async throws -> (exit: ChildProcess.Exit, output: String, error: String) {
            let run = try Executable(arguments, environment)
            async let output = run.output.rest()
            async let error = run.error.rest()
            return (try await run.process.exit(), await output, await error)
        }
        #expect(try await run("campaign", "create", "Spring", "--country", "US", "--language", "es").exit == .status(0))
        let again = try await run("campaign", "create", "Spring")
        #expect(again.exit == .status(1) && again.error.contains("already a campaign \"Spring\""))

        let file = FileManager.default.temporaryDirectory.appending(path: "leads-\(UUID().uuidString).csv").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data("phone\n(212) 555-0101\n212 555 0102\n".utf8).write(to: URL(filePath: file))
        let imported = try await run("leads", "import", file, "--campaign", "Spring", "--json")
        #expect(try JSON(parsing: imported.output)["inserted"] == 2)
        let unknown = try await run("leads", "import", file, "--campaign", "Sprin")
        #expect(unknown.exit == .status(1) && unknown.error.contains("Did you mean 'Spring'?"))

        #expect(try await run("campaign", "launch", "Spring").output.contains("2 calls were enqueued"))
        #expect(try await run("campaign", "launch", "Spring").output.contains("0 calls were enqueued"))
        #expect(try await run("campaign", "pause", "Spring").exit == .status(0))
        let paused = try JSON(parsing: try await run("campaign", "status", "Spring", "--json").output)
        #expect(paused["status"] == "paused" && paused["leads"] == 2 && paused["queued"] == 2)
        #expect(try await run("campaign", "resume", "Spring").exit == .status(0))

        let calls = try JSON(parsing: try await run("calls", "list", "--campaign", "Spring", "--json").output)
        let id = try #require(calls[0]?["id"]?.integer)
        let call = try JSON(parsing: try await run("calls", "show", "\(id)", "--json").output)
        #expect(call["status"] == "queued" && call["turns"] == [])
        #expect(try await run("calls", "show", "999999").exit == .status(1))
    }
}
