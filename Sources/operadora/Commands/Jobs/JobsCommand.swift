import Jobs
import Platform
import Postgres

struct JobsCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "jobs", abstract: "List jobs, watch them, retry, cancel and discard them.",
            discussion: """
                EXAMPLE:
                  operadora jobs list --state dead
                  operadora jobs retry --failed --kind send_email --since 6h
                  operadora jobs watch
                """,
            subcommands: [
                JobsList.self, JobsShow.self, JobsRetry.self, JobsCancel.self, JobsDiscard.self, JobsWatch.self,
            ])
    }
}

/// Does something to several jobs, one after the other: what cannot be done to one does not keep the others from it.
enum JobActions {
    struct Done {
        /// One line for a person.
        let text: String
        /// Members of the job's object beside `id`.
        var members: [String: JSON] = [:]
    }

    /// Prints what was done, and to standard error what was not: then throws `ExitCode.failure` at the end.
    static func each(_ ids: [Int64], _ output: OutputOptions, _ act: (Int64) async throws -> Done) async throws {
        var rows: [JSON] = []
        var hasFailed = false
        for id in ids {
            do {
                let done = try await act(id)
                if !output.json { Console.print(done.text) }
                rows.append(.object(done.members.merging(["id": .integer(id)]) { member, _ in member }))
            } catch let error as CommandFailure {
                hasFailed = true
                if !output.json { Console.printError("operadora: \(error)") }
                rows.append(["id": .integer(id), "error": .string(error.description)])
            }
        }
        if output.json { Console.print(JSON.array(rows).text) }
        if hasFailed { throw ExitCode.failure }
    }

    static func unknown(_ id: Int64) -> CommandFailure {
        CommandFailure(
            "there is no job \(id): operadora jobs list shows what waits and runs, and with --state what has ended "
                + "and is still kept")
    }

    /// What the queue's functions say of a job that they refuse to touch (invalid_parameter_value) is said as it is.
    static func sayingRefusals<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as PostgresError where error.sqlState == "22023" {
            throw CommandFailure([error.message, error.hint].compactMap { $0 }.joined(separator: ": "))
        }
    }
}

extension JobQueue {
    /// For a command that ends: it need not hear of results.
    static func ofCommand(_ client: PostgresClient) -> JobQueue {
        JobQueue(client, logger: Logger(label: "operadora", level: .error))
    }
}
