import Platform
import Postgres

/// `operadora schedules set`.
struct SchedulesSet: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "set", abstract: "Create a schedule, or give the one of that name a new definition.",
            discussion: """
                The expression has five fields: minute, hour, day of month, month, day of week; or is @hourly,
                @daily, @weekly, @monthly, @yearly. What is not given has its default, also when the schedule is
                there already; whether it is paused stays.

                EXAMPLE:
                  operadora schedules set morning-report "30 9 * * mon-fri" report --timezone America/Mexico_City
                  operadora schedules set sweep "*/15 * * * *" sweep --arguments '{"depth": 2}' --queue low
                """)
    }

    @Argument(help: "Its name, of 1 to 100 bytes.") var name: String
    @Argument(help: "When: a cron expression, in quotes.") var cron: String
    @Argument(help: "Kind of the job, such as send_reminder.") var kind: String
    @Option(help: "JSON for the job's handler.", valueName: "json") var arguments = "{}"
    @Option(help: "In which the expression is read, such as America/Mexico_City.") var timezone = "UTC"
    @Option(help: "Queue of the job.") var queue = "default"
    @Option(help: "Smaller is first, 0 to 32767.", valueName: "number") var priority = 100
    @Option(help: "How often the job may run, the first included, 1 to 1000.", valueName: "number") var maxAttempts = 10
    @Option(help: "How late the latest missed tick may still run: 1 minute to 366 days.", valueName: "interval")
    var catchUp = "1 hour"
    @Flag(help: "Enqueue also while the job of an earlier tick waits or runs.") var overlap: Bool
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if (try? JSON(parsing: arguments)) == nil { throw ValidationError("'--arguments' is not JSON") }
    }

    func run() async throws {
        try await Database.with { client in
            _ = try await Schedules.change(
                name,
                """
                SELECT set_schedule(\(name), \(cron), \(kind), \(arguments)::jsonb, \(timezone), \(queue),
                    \(Int32(clamping: priority)), \(Int32(clamping: maxAttempts)), \(catchUp)::interval, \(overlap))
                """, client)
            let schedule = try await Schedules.find(name, client)
            Console.print(output.json ? schedule.json.text : schedule.announcement)
        }
    }
}
