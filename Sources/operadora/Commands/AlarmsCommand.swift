import Jobs
import Platform

struct AlarmsCommand: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "alarms",
            abstract: "Show each alarm of the queue, its figure and its threshold, and what to do.",
            discussion: """
                As it is at this moment, by the thresholds of this environment (ALARM_...).

                EXAMPLE:
                  operadora alarms
                  operadora alarms --json
                """)
    }
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let thresholds = try Configuration.load(needs: .database).alarms
        try await Database.with { client in
            let alarms = try await QueueAlarm.all(client, thresholds)
            output.print(
                alarms.map(row),
                [
                    .init("alarm"), .init("queue"), .init("raised"), .init("value", alignsRight: true),
                    .init("threshold", alignsRight: true), .init("advice"),
                ])
        }
    }

    private func row(_ alarm: QueueAlarm) -> JSON {
        [
            "alarm": .string(alarm.name), "queue": alarm.queue.isEmpty ? .null : .string(alarm.queue),
            "raised": output.json ? .bool(alarm.isRaised) : .string(alarm.isRaised ? "raised" : ""),
            "value": output.json ? .number(alarm.value) : .string("\(Int64(alarm.value.rounded()))"),
            "threshold": output.json ? .number(alarm.threshold) : .string("\(Int64(alarm.threshold.rounded(.up)))"),
            "advice": output.json || alarm.isRaised ? .string(alarm.advice) : .null,
        ]
    }
}
