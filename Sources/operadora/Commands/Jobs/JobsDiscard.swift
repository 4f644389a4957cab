import Jobs
import Platform

struct JobsDiscard: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "discard", abstract: "End waiting jobs, and take dead letters off their list.",
            discussion: """
                A waiting job ends as cancelled, with the error "discarded". A dead letter stays in the history,
                but retry --failed passes it over. --failed discards all dead letters, and asks on a terminal.

                EXAMPLE:
                  operadora jobs discard 4711
                  operadora jobs discard --failed --kind send_email --yes
                """)
    }
    @Argument(help: "Numbers of jobs.", valueName: "id") var ids: [Int64]
    @OptionGroup var dead: DeadJobsFilter
    @OptionGroup var output: OutputOptions

    func validate() throws { try dead.validate(with: ids) }

    func run() async throws {
        try await Database.with { client in
            let queue = JobQueue.ofCommand(client)
            guard dead.failed else {
                return try await JobActions.each(ids, output) { try await Self.discard($0, queue) }
            }
            guard let count = try await dead.apply("Discard", client, queue.discardFailed) else {
                return Console.printError("Nothing was done.")
            }
            Console.print(
                output.json
                    ? JSON.object(["discarded": .integer(Int64(count))]).text
                    : "\(count) dead \(count == 1 ? "job was" : "jobs were") discarded.")
        }
    }

    private static func discard(_ id: Int64, _ queue: JobQueue) async throws -> JobActions.Done {
        let isNew = try await JobActions.sayingRefusals { try await queue.discard(id) }
        let text = isNew ? "Job \(id) is discarded." : "Job \(id) was cancelled or discarded before."
        return JobActions.Done(text: text, members: ["discarded": .bool(isNew)])
    }
}
