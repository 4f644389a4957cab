import Platform
import Postgres

struct SchedulesCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "schedules", abstract: "Enqueue jobs at the times of cron expressions.",
            discussion: """
                EXAMPLE:
                  operadora schedules set morning-report "30 9 * * mon-fri" report --timezone America/Mexico_City
                  operadora schedules list
                  operadora schedules pause morning-report
                """,
            subcommands: [List.self, SchedulesShow.self, SchedulesSet.self, Pause.self, Resume.self, Remove.self])
    }

    struct List: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "list", abstract: "List schedules with their next three ticks, in their own time zones.",
                discussion: "EXAMPLE:\n  operadora schedules list --json")
        }
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await Database.with { client in
                let schedules = try await ShownSchedule.load(nil, client)
                if output.json { return Console.print(JSON.array(schedules.map(\.json)).text) }
                var table = Table([
                    .init("name"), .init("cron"), .init("timezone"), .init("kind"), .init("status"),
                    .init("last_run_at"),
                    .init("next_ticks"),
                ])
                for schedule in schedules {
                    table.add([
                        schedule.name, OutputOptions.cell(schedule.json["cron"]), schedule.zone.identifier,
                        OutputOptions.cell(schedule.json["kind"]), schedule.isPaused ? "paused" : "active",
                        schedule.lastRun.map(schedule.wallClock),
                        schedule.nextTicks.map(schedule.wallClock).joined(separator: ", "),
                    ])
                }
                Console.print(table.text(width: Console.width))
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "pause", abstract: "Enqueue nothing until it is resumed; jobs that wait or run go on.",
                discussion: "EXAMPLE:\n  operadora schedules pause morning-report")
        }
        @Argument(help: "Name of the schedule.") var name: String

        func run() async throws {
            try await Database.with { client in
                _ = try await Schedules.change(name, "SELECT pause_schedule(\(name))", client)
                Console.print("Schedule \"\(name)\" is paused.")
            }
        }
    }

    struct Resume: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "resume", abstract: "Go on with the next tick of a paused schedule.",
                discussion: "EXAMPLE:\n  operadora schedules resume morning-report")
        }
        @Argument(help: "Name of the schedule.") var name: String

        func run() async throws {
            try await Database.with { client in
                _ = try await Schedules.change(name, "SELECT resume_schedule(\(name))", client)
                Console.print(try await Schedules.find(name, client).announcement)
            }
        }
    }

    struct Remove: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "remove", abstract: "Delete a schedule; its jobs that wait or run go on.",
                discussion: "EXAMPLE:\n  operadora schedules remove morning-report")
        }
        @Argument(help: "Name of the schedule.") var name: String

        func run() async throws {
            try await Database.with { client in
                _ = try await Schedules.change(name, "SELECT remove_schedule(\(name))", client)
                Console.print("Schedule \"\(name)\" was removed.")
            }
        }
    }
}

extension ShownSchedule {
    /// When it runs next, as a sentence.
    var announcement: String {
        if isPaused { return "Schedule \"\(name)\" is paused: operadora schedules resume lets it run." }
        guard let next = nextTicks.first else { return "Schedule \"\(name)\" has no tick within five years." }
        return "Schedule \"\(name)\" runs next at \(wallClock(next)) (\(zone.identifier))."
    }
}
