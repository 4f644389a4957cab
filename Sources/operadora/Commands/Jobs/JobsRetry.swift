import Jobs
import Platform
import Postgres

struct JobsRetry: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "retry", abstract: "Run waiting jobs now, and ended ones again.",
            discussion: """
                A job that waits for its time waits no longer. One that failed, expired or was cancelled is
                enqueued again as a new job, once: retrying it again changes nothing. --failed does so with all
                dead letters, the oldest first, and asks on a terminal.

                EXAMPLE:
                  operadora jobs retry 4711 4712
                  operadora jobs retry --failed --kind send_email --since 6h --yes
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
                return try await JobActions.each(ids, output) { try await Self.retry($0, queue) }
            }
            guard let count = try await dead.apply("Retry", client, queue.retryFailed) else {
                return Console.printError("Nothing was done.")
            }
            Console.print(
                output.json
                    ? JSON.object(["retried": .integer(Int64(count))]).text
                    : "\(count) dead \(count == 1 ? "job was" : "jobs were") enqueued again.")
        }
    }

    private static func retry(_ id: Int64, _ queue: JobQueue) async throws -> JobActions.Done {
        let again = try await JobActions.sayingRefusals { try await queue.retry(id) }
        let text =
            again == id ? "Job \(id) runs when it is its turn." : "Job \(id) is enqueued again as job \(again)."
        return JobActions.Done(text: text, members: ["retried_as": .integer(again)])
    }
}

struct JobsCancel: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "cancel", abstract: "End waiting jobs, and ask running ones to stop.",
            discussion: "EXAMPLE:\n  operadora jobs cancel 4711 4712")
    }
    @Argument(help: "Numbers of jobs.", valueName: "id") var ids: [Int64]
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if ids.isEmpty { throw ValidationError("Missing expected argument '<id> ...'") }
    }

    func run() async throws {
        try await Database.with { client in
            try await JobActions.each(ids, output) { try await Self.cancel($0, client) }
        }
    }

    private static func cancel(_ id: Int64, _ client: PostgresClient) async throws -> JobActions.Done {
        let isCancelled = try await JobQueue.ofCommand(client).cancel(id)
        guard let job = try await JobsShow.load(id, client) else { throw JobActions.unknown(id) }
        let state = job["state"]?.string ?? "gone"
        guard isCancelled else { throw CommandFailure("job \(id) had ended: it is \(state)") }
        let text = state == "running" ? "Job \(id) runs: it is asked to stop." : "Job \(id) is \(state)."
        return JobActions.Done(text: text, members: ["state": .string(state)])
    }
}
