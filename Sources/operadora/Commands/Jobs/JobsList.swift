import Platform
import Postgres

struct JobsList: AsyncParsableCommand {
    /// Ended jobs are looked for among so many of the newest.
    private static let window = 100_000
    private static let argumentsWidth = 60

    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "list", abstract: "List jobs that wait or run, the newest first; with --state any others.",
            discussion: """
                "at" is when a waiting job is due, when a running one was claimed, when another one ended. Ended
                jobs are looked for among the newest 100,000 of their state. --state dead are the dead letters:
                failed or expired jobs that were neither retried nor discarded.

                EXAMPLE:
                  operadora jobs list --queue calls --state scheduled
                  operadora jobs list --state dead --kind send_email
                """)
    }
    @Option(help: "Only those of this queue.", valueName: "name") var queue: String?
    @Option(help: "Only those of this kind.") var kind: String?
    @Option(help: "Only those in this state.") var state: JobStateChoice?
    @Option(help: "Only those of this key.") var key: String?
    @Option(help: "At most so many.", valueName: "number") var limit = 50
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100_000).contains(limit) else {
            throw ValidationError("The value '\(limit)' is invalid for '--limit <number>': it must be 1 to 100000")
        }
    }

    func run() async throws {
        try await Database.with { client in
            if let queue { try await QueueReference.require(queue, client) }
            let rows = try await client.query(state?.hasEnded == true ? ended : alive).map { try $0.decode(JSON.self) }
            output.print(
                output.json ? rows : rows.map(Self.shortened),
                [
                    .init("id", alignsRight: true), .init("kind"), .init("queue"), .init("state"),
                    .init("attempt", alignsRight: true), .init("at"), .init("key"), .init("error"), .init("arguments"),
                ])
        }
    }

    /// A list shows of the arguments what tells jobs apart.
    private static func shortened(_ row: JSON) -> JSON {
        guard case .object(var members) = row, let text = members["arguments"]?.text else { return row }
        members["arguments"] = .string(
            text.count > argumentsWidth ? text.prefix(argumentsWidth - 1) + "…" : text)
        return .object(members)
    }

    private var alive: PostgresQuery {
        """
        SELECT to_jsonb(shown) FROM (
            SELECT id, kind, queue, state, attempt, max_attempts, priority, key, unique_key, enqueued_at,
                to_char(CASE state WHEN 'running' THEN claimed_at ELSE run_at END AT TIME ZONE 'UTC',
                    'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at,
                error, arguments
            FROM jobs
            WHERE \(unsafe: condition) AND (queue = \(queue) OR \(queue) IS NULL)
                AND (kind = \(kind) OR \(kind) IS NULL) AND (key = \(key) OR \(key) IS NULL)
            ORDER BY id DESC LIMIT \(limit)) AS shown
        """
    }

    private var ended: PostgresQuery {
        """
        SELECT to_jsonb(shown) FROM (
            SELECT id, kind, queue, state, attempt, max_attempts, priority, key, unique_key, enqueued_at,
                to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, error, arguments,
                retried_as, discarded_at
            FROM (SELECT * FROM finished_jobs WHERE \(unsafe: condition)
                ORDER BY \(unsafe: state == .completed ? "id" : "finished_at") DESC LIMIT \(Self.window)) AS newest
            WHERE (queue = \(queue) OR \(queue) IS NULL)
                AND (kind = \(kind) OR \(kind) IS NULL) AND (key = \(key) OR \(key) IS NULL)
            ORDER BY newest.finished_at DESC, id DESC LIMIT \(limit)) AS shown
        """
    }

    /// In the words of the partial indexes, which the planner could not recognize in a bind.
    private var condition: String {
        switch state {
        case nil: "true"
        case .dead: "state IN ('failed', 'expired') AND retried_as IS NULL AND discarded_at IS NULL"
        case .completed: "state = 'completed'"
        case .some(let state) where state.hasEnded: "state <> 'completed' AND state = '\(state.rawValue)'"
        case .some(let state): "state = '\(state.rawValue)'"
        }
    }
}
