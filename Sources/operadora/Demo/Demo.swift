import Calls
import HTTP
import Platform
import Postgres
import Simulators

/// A whole campaign on a PostgreSQL of its own, with simulated providers: one ingress and two workers, processes of
/// this executable that are configured as anybody's would be.
///
/// Whatever ends it, everything that it started is stopped, and its directories are removed.
struct Demo: Service {
    struct Options: Sendable {
        var leads: Int
        var staysUp: Bool
        var printsJSON: Bool
    }

    let options: Options
    let logger: Logger

    /// Throws `ExitCode.failure` when a call did not come to its end.
    func run() async throws {
        do {
            try await cancelOnGracefulStop { try await play() }
        } catch is CancellationError {
            throw CommandFailure("stopped before the campaign's end; everything was removed")
        }
    }

    private func play() async throws {
        let home = try DemoHome()
        defer { home.remove() }
        say("Starting PostgreSQL …")
        let server = try await PrivateServer.start(logger: logger)
        try await cleaningUp {
            let providers = try simulatedProviders(home)
            try await cleaningUp {
                try await play(Stage(home: home, server: server, providers: providers))
            } after: {
                await providers.stop()
            }
        } after: {
            await server.stop()
        }
    }

    private struct Stage: Sendable {
        let home: DemoHome
        let server: PrivateServer
        let providers: SimulatedProviders
    }

    /// In this process: people who speak 25 times faster than people, and a model that thinks for 200 ms.
    private func simulatedProviders(_ home: DemoHome) throws -> SimulatedProviders {
        var configuration = SimulatedProviders.Configuration()
        configuration.twilio.callsPerSecond = .infinity
        configuration.twilio.speed = 25
        configuration.openAI.thinkTime = .milliseconds(200)
        return try SimulatedProviders(configuration: configuration, directory: home.path, logger: logger)
    }

    private func play(_ stage: Stage) async throws {
        let database = try await stage.server.createDatabase(named: "operadora")
        let migrations = try MigrationsDirectory.find(try Environment.load(file: "")["MIGRATIONS_DIR"])
        let client = PostgresClient(PostgresConfiguration(connectionString: database), logger: logger)
        try await cleaningUp {
            _ = try await Migrator(directory: migrations, logger: logger).up(client)
            var environment = DemoProcesses.environment(database: database, migrations: migrations)
            environment.merge(stage.providers.environment) { _, new in new }
            environment["CALL_PROVIDER"] = "simulator"
            say("Starting an ingress and two workers …")
            let processes = try await DemoProcesses.start(environment, home: stage.home, logger: logger)
            environment["PUBLIC_URL"] = processes.publicURL
            let shell = try stage.home.write(DemoShell.script(environment), to: "environment.sh")
            try await cleaningUp {
                try await processes.whileAllRun { try await conduct(client, stage, processes, database, shell: shell) }
            } after: {
                say("Stopping …")
                await processes.stop()
            }
        } after: {
            await client.close()
        }
    }

    /// The campaign itself.
    private func conduct(
        _ client: PostgresClient, _ stage: Stage, _ processes: DemoProcesses, _ database: String, shell: String
    ) async throws {
        let campaignID = try await createCampaign(client)
        let file = try stage.home.write(DemoLeads(count: options.leads).csv, to: "leads.csv")
        let imported = try await LeadImport(client, campaignID: campaignID, country: DemoLeads.country)
            .run(path: file, reportPath: "\(stage.home.path)/import-report.csv")
        say("Imported \(imported.inserted) leads from a CSV file. Launching the campaign …")
        try await client.query("SELECT launch_campaign(\(campaignID))")
        try await DemoProgress(client: client).follow(stallLimit: .seconds(120))
        let summary = try await DemoSummary.read(client, twilio: stage.providers.twilio)
        if options.printsJSON {
            Console.print(
                summary.json(database: options.staysUp ? database : nil, shell: options.staysUp ? shell : nil).text)
        } else {
            Console.print("\n" + summary.text(width: Console.width))
            Console.print("\n" + howToLookFurther(database, processes, shell: shell))
        }
        if options.staysUp { try await stayUp() }
        if summary.unfinishedCalls > 0 { throw ExitCode.failure }
    }

    private func createCampaign(_ client: PostgresClient) async throws -> Int64 {
        let rows = try await client.query(
            """
            INSERT INTO campaigns (name, country, language, timezone, instructions, max_concurrent_calls,
                calls_per_second, redial)
            VALUES ('Demo', \(DemoLeads.country), 'en', 'America/New_York',
                'Offer a demo of our product, and book a meeting of half an hour with those who are interested.',
                50, 20, '{}')
            RETURNING id
            """)
        guard let row = rows.first else { throw CommandFailure("the demo's campaign was not created") }
        return try row.decode(Int64.self)
    }

    private func howToLookFurther(_ database: String, _ processes: DemoProcesses, shell: String) -> String {
        let queries = [
            "SELECT * FROM meetings WHERE calendar_event_id IS NOT NULL;",
            "SELECT * FROM calls WHERE outcome = 'meeting_scheduled';", "SELECT * FROM report_campaigns;",
        ].map { "    \($0)" }.joined(separator: "\n")
        guard options.staysUp else {
            return "Look further with --keep, which leaves the database up:\n\(queries)"
        }
        return """
            Everything stays up until Ctrl-C. Look further:
                psql "\(database)"
            \(queries)
                curl \(processes.publicURL)/metrics
            Or call, chat and evaluate with the simulated providers, in another terminal:
                . \(shell)
                operadora calls list
                operadora chat --campaign Demo
            """
    }

    /// Until the task is cancelled, which here is the end that was asked for.
    private func stayUp() async throws {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
    }

    private func say(_ text: String) {
        if !options.printsJSON || Console.standardErrorIsTerminal { Console.printError(text) }
    }
}

/// Runs `body`, then `cleanUp` in a task that nobody cancels, whether the body returned or threw.
private func cleaningUp(
    _ body: () async throws -> Void, after cleanUp: @escaping @Sendable () async -> Void
) async throws {
    do {
        try await body()
    } catch {
        await Task { await cleanUp() }.value
        throw error
    }
    await Task { await cleanUp() }.value
}
