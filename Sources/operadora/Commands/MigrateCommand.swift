import Platform
import Postgres

struct MigrateCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "migrate", abstract: "Bring the database's schema up or down, or show where it stands.",
            discussion: """
                Any number of processes may run it at once. A schema with migrations that this executable does
                not know is refused.

                EXAMPLE:
                  operadora migrate up
                  operadora migrate status --json
                """,
            subcommands: [Up.self, Down.self, Status.self], defaultSubcommand: Up.self)
    }

    /// Runs `body` with the migrator, without asking for a current schema.
    private static func with(_ body: (Database) async throws -> Void) async throws {
        let configuration = try Configuration.load(needs: .database)
        let logger = configuration.log.logger("operadora", level: .error)
        let database = try Database(configuration, applicationName: "operadora migrate", logger: logger)
        do {
            try await body(database)
            await database.client.close()
        } catch {
            await database.client.close()
            throw error
        }
    }

    struct Up: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "up", abstract: "Apply the migrations that are missing.",
                discussion: "EXAMPLE:\n  operadora migrate up")
        }

        func run() async throws {
            try await MigrateCommand.with { database in
                let applied = try await database.migrator.up(database.client)
                if applied.isEmpty { Console.print("The schema is up to date.") }
                for migration in applied { Console.print("Applied \(migration.number) \(migration.name).") }
            }
        }
    }

    struct Down: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "down", abstract: "Revert the newest migrations, and lose what is in their tables.",
                discussion: "EXAMPLE:\n  operadora migrate down --count 1")
        }

        @Option(help: "How many to revert.", valueName: "number") var count = 1

        func validate() throws {
            guard (1...10_000).contains(count) else {
                throw ValidationError("The value '\(count)' is invalid for '--count <number>': it must be at least 1")
            }
        }

        func run() async throws {
            try await MigrateCommand.with { database in
                let reverted = try await database.migrator.down(database.client, count: count)
                if reverted.isEmpty { Console.print("There is nothing to revert.") }
                for migration in reverted { Console.print("Reverted \(migration.number) \(migration.name).") }
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "status", abstract: "List the migrations and whether each is applied.",
                discussion: """
                    Fails, and says why, on a schema that this executable does not know.

                    EXAMPLE:
                      operadora migrate status
                    """)
        }

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await MigrateCommand.with { database in
                let status = try await database.migrator.status(database.client)
                let rows = status.applied.map { row($0, "applied") } + status.pending.map { row($0, "pending") }
                output.print(rows, [.init("number", alignsRight: true), .init("name"), .init("state")])
                if let refusal = status.refusal { throw CommandFailure(refusal) }
            }
        }

        private func row(_ migration: Migrator.Migration, _ state: JSON) -> JSON {
            ["number": .integer(Int64(migration.number)), "name": .string(migration.name), "state": state]
        }
    }
}
