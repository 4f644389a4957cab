import Jobs
import Platform
import Postgres

struct QueuesCommand: ParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "queues", abstract: "Show queues and what waits in them, pause and resume them.",
            discussion: """
                EXAMPLE:
                  operadora queues list
                  operadora queues pause calls
                """,
            subcommands: [List.self, Pause.self, Resume.self])
    }

    struct List: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "list", abstract: "Show what waits and runs in each queue, and who serves it.",
                discussion: """
                    Counted to 10,000 in each state, whatever there is: 10000+ are more. "oldest wait" is that of
                    the job that is available for longest, in seconds.

                    EXAMPLE:
                      operadora queues list --json
                    """)
        }
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try await Database.with { client in
                let rows = try await QueueCounts.rows(of: nil, client)
                output.print(output.json ? rows : rows.map(QueueCounts.shown), QueueCounts.columns)
            }
        }
    }

    struct Pause: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "pause",
                abstract: "Start no job of these queues until they are resumed; running ones go on.",
                discussion: "EXAMPLE:\n  operadora queues pause calls")
        }
        @Argument(help: "Names of queues.", valueName: "name") var names: [String]
        @OptionGroup var output: OutputOptions

        func validate() throws { try QueuesCommand.validate(names) }
        func run() async throws {
            try await QueuesCommand.each(names, output, isPaused: true) { try await $0.pause(queue: $1) }
        }
    }

    struct Resume: AsyncParsableCommand {
        static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "resume", abstract: "Go on with paused queues.",
                discussion: "EXAMPLE:\n  operadora queues resume calls")
        }
        @Argument(help: "Names of queues.", valueName: "name") var names: [String]
        @OptionGroup var output: OutputOptions

        func validate() throws { try QueuesCommand.validate(names) }
        func run() async throws {
            try await QueuesCommand.each(names, output, isPaused: false) { try await $0.resume(queue: $1) }
        }
    }

    private static func validate(_ names: [String]) throws {
        if names.isEmpty { throw ValidationError("Missing expected argument '<name> ...'") }
    }

    /// All are looked at before the first is touched: a mistyped name changes nothing.
    private static func each(
        _ names: [String], _ output: OutputOptions, isPaused: Bool, _ act: (JobQueue, String) async throws -> Void
    ) async throws {
        try await Database.with { client in
            let queue = JobQueue.ofCommand(client)
            for name in names { try await QueueReference.require(name, client) }
            for name in names {
                try await act(queue, name)
                if !output.json { Console.print("Queue \"\(name)\" \(isPaused ? "is paused" : "runs").") }
            }
            let rows = names.map { JSON.object(["queue": .string($0), "paused": .bool(isPaused)]) }
            if output.json { Console.print(JSON.array(rows).text) }
        }
    }
}

/// What waits and runs in queues, as `queue_counts` counts it.
enum QueueCounts {
    static let columns: [Table.Column] = [
        .init("queue"), .init("paused"), .init("workers", alignsRight: true), .init("available", alignsRight: true),
        .init("scheduled", alignsRight: true), .init("blocked", alignsRight: true), .init("waiting", alignsRight: true),
        .init("limited", alignsRight: true), .init("running", alignsRight: true),
        .init("oldest wait", alignsRight: true),
    ]

    /// - Parameter queue: all when nil.
    static func query(of queue: String?) -> PostgresQuery {
        """
        SELECT to_jsonb(counts) FROM queue_counts() AS counts WHERE queue = \(queue) OR \(queue) IS NULL ORDER BY queue
        """
    }

    static func rows(of queue: String?, _ client: PostgresClient) async throws -> [JSON] {
        try await client.query(query(of: queue)).map { try $0.decode(JSON.self) }
    }

    /// A row as a table shows it: 10000+ where there are more than were counted.
    static func shown(_ row: JSON) -> JSON {
        guard case .object(var members) = row else { return row }
        for state in row["more"]?.array?.compactMap(\.string) ?? [] {
            members[state] = .string("\(OutputOptions.cell(row[state]))+")
        }
        members["paused"] = .string(row["paused_at"]?.isNull == false ? "paused" : "")
        members["oldest wait"] = .string(row["oldest_wait_seconds"]?.number.map { "\(Int($0)) s" } ?? "")
        return .object(members)
    }
}
