import Glibc
import Platform
import Postgres

/// The one executable: every process and every command of the product.
@main
struct Operadora: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "operadora",
            abstract: "A durable AI phone-agent backend on PostgreSQL.",
            discussion: """
                EXAMPLE: a whole campaign, on a database and with providers of its own
                  operadora demo

                EXAMPLE: yours, configured by environment variables or a .env file (docs/operations.md)
                  operadora migrate up && operadora doctor
                  operadora campaign create "Spring" --language es --country MX
                  operadora leads import leads.csv --campaign "Spring"
                  operadora campaign launch "Spring"
                """,
            version: version,
            subcommands: [
                MigrateCommand.self, IngressCommand.self, WorkerCommand.self, LeadsCommand.self, CampaignCommand.self,
                CallsCommand.self, ChatCommand.self, JobsCommand.self, QueuesCommand.self, SchedulesCommand.self,
                AlarmsCommand.self, ToolsCommand.self, EvaluateCommand.self, DemoCommand.self, DoctorCommand.self,
            ])
    }

    static func main() async {
        // A reader that goes away is an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        DescriptorLimit.raise()
        exit(await status(of: Array(CommandLine.arguments.dropFirst())))
    }

    /// Runs a command line; says what went wrong. 0, 1 (failed) or 2 (usage).
    private static func status(of words: [String]) async -> Int32 {
        switch CommandParser(root: Operadora.self).parse(words) {
        case .help(let text):
            Console.print(text)
            return 0
        case .usage(let text):
            Console.printError(text)
            return ExitCode.usage.rawValue
        case .run(var command as any AsyncParsableCommand, _):
            do {
                try await command.run()
                return 0
            } catch {
                return report(error)
            }
        case .run(_, let path):
            Console.print(HelpText(path).full)
            return 0
        }
    }

    /// With the newest migration that it knows, when it finds them: that is what processes of two versions differ in.
    private static func version() -> String {
        let migrator = try? Migrator(
            directory: MigrationsDirectory.find(Environment.load()["MIGRATIONS_DIR"]),
            logger: Logger(label: "operadora", level: .critical))
        return "operadora 0.1.0" + (migrator.map { " (migration \($0.newest))" } ?? "")
    }

    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case let error as ExitCode: return error.rawValue
        case let error as ValidationError:
            Console.printError("operadora: \(error.message)")
            return ExitCode.usage.rawValue
        case let error as ConfigurationError:
            for problem in error.problems { Console.printError("operadora: \(problem)") }
        case is CancellationError: Console.printError("operadora: stopped")
        default: Console.printError("operadora: \(error)")
        }
        return ExitCode.failure.rawValue
    }
}

/// Why a command failed and what to do about it: one line, as it is shown.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
