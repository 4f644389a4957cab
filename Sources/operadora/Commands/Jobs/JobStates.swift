import Postgres

/// A state as `--state` names it.
enum JobStateChoice: String, CaseIterable, ExpressibleByArgument {
    case available, scheduled, blocked, waiting, limited, running, completed, failed, cancelled, expired
    /// Failed or expired, and neither retried nor discarded since.
    case dead

    var hasEnded: Bool {
        switch self {
        case .available, .scheduled, .blocked, .waiting, .limited, .running: false
        case .completed, .failed, .cancelled, .expired, .dead: true
        }
    }
}

/// A queue as a command line names it.
enum QueueReference {
    /// Throws `CommandFailure`, which names the nearest one, when no worker has ever served the queue, nobody has paused it and
    /// no job waits in it: it is hardly the one that was meant.
    static func require(_ name: String, _ client: PostgresClient) async throws {
        let known = try await client.query("SELECT queue FROM queue_counts()").map { try $0.decode(String.self) }
        guard !known.contains(name) else { return }
        throw CommandFailure(
            "nobody has heard of a queue \"\(name)\"\(Suggestion.text(for: name, among: known)) "
                + "(operadora queues list shows them: those that a worker has served or that have jobs)")
    }
}
