import FoundationEssentials
import Platform
import Postgres

/// `operadora schedules show`: one schedule, and what became of its latest ticks.
struct SchedulesShow: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "show", abstract: "Show a schedule and what became of its latest ticks.",
            discussion: "EXAMPLE:\n  operadora schedules show morning-report --json")
    }
    @Argument(help: "Name of the schedule.") var name: String
    @OptionGroup var output: OutputOptions

    private struct Tick {
        let at: Date
        let job: Int64?
        /// Of the job: nil when it was passed over, or ended longer ago than history is kept.
        let state: String?
    }

    func run() async throws {
        try await Database.with { client in
            let schedule = try await Schedules.find(name, client)
            let ticks = try await latestTicks(client)
            Console.print(output.json ? json(of: schedule, ticks).text : text(of: schedule, ticks))
        }
    }

    private func latestTicks(_ client: PostgresClient) async throws -> [Tick] {
        try await client.query(
            """
            SELECT t.tick, t.job_id, coalesce(
                (SELECT state::text FROM jobs WHERE id = t.job_id),
                (SELECT state::text FROM finished_jobs WHERE id = t.job_id ORDER BY finished_at DESC LIMIT 1))
            FROM schedule_ticks t WHERE t.schedule = \(name) ORDER BY t.tick DESC LIMIT 10
            """
        ).map { row in
            let (at, job, state) = try row.decode(Date.self, Int64?.self, String?.self)
            return Tick(at: at, job: job, state: state)
        }
    }

    private func json(of schedule: ShownSchedule, _ ticks: [Tick]) -> JSON {
        var members = schedule.json.object ?? [:]
        members["ticks"] = .array(
            ticks.map { tick in
                [
                    "tick": .string(schedule.zone.iso8601(tick.at)), "job_id": tick.job.map(JSON.integer) ?? .null,
                    "state": tick.state.map(JSON.string) ?? .null,
                ]
            })
        return .object(members)
    }

    private func text(of schedule: ShownSchedule, _ ticks: [Tick]) -> String {
        let columns = [
            "cron", "timezone", "kind", "arguments", "queue", "priority", "max_attempts", "catch_up", "overlap",
            "paused_at", "last_error",
        ]
        let facts = columns.compactMap { column -> String? in
            let shown = OutputOptions.cell(schedule.json[column])
            return shown.isEmpty ? nil : "\(column):\(String(repeating: " ", count: 14 - column.count))\(shown)"
        }
        let next = schedule.nextTicks.map { "  \(schedule.wallClock($0))" }
        let latest = ticks.map { tick in
            let fate = tick.job.map { "job \($0) \(tick.state ?? "is no longer in the history")" } ?? "passed over"
            return "  \(schedule.wallClock(tick.at))  \(fate)"
        }
        return
            (["Schedule \(schedule.name)"] + facts + (next.isEmpty ? [] : ["", "Next ticks:"] + next)
            + (latest.isEmpty ? [] : ["", "Latest ticks:"] + latest)).joined(separator: "\n")
    }
}
