public import FoundationEssentials
public import Platform
public import Postgres
import Synchronization

/// What a handler knows of the job it runs.
public struct JobContext: Sendable {
    public let id: JobID
    public let kind: String
    /// From 1. Snoozes and hand-backs do not count.
    public let attempt: Int
    public let maximumAttempts: Int
    public let enqueuedAt: Date

    private let lease: Lease
    private let workerLogger: Logger
    let transactionalEnd = TransactionalEnd()

    init(_ job: ClaimedJob, logger: Logger) {
        id = job.lease.id
        kind = job.kind
        attempt = job.attempt
        maximumAttempts = job.maximumAttempts
        enqueuedAt = job.enqueuedAt
        lease = job.lease
        workerLogger = logger
    }

    /// The worker's logger; its lines name the job, its kind and its attempt.
    public var logger: Logger {
        var logger = workerLogger
        logger[metadataKey: "job"] = "\(id)"
        logger[metadataKey: "kind"] = kind
        logger[metadataKey: "attempt"] = "\(attempt)"
        return logger
    }

    /// Ends this job inside the caller's transaction, fenced: throws `JobError.leaseLost` (roll back!) when this attempt is
    /// no longer ours. Then return `.completedInTransaction`. A waiter is woken after the commit.
    ///
    /// Holds the lock of the job's key until the transaction ends, so call it last.
    public func complete(_ result: JSON? = nil, in connection: PostgresConnection) async throws {
        guard transactionalEnd.begin() else { throw JobError.completedTwice(id) }
        let settlement = Settlement(lease, .completed, result: result?.text)
        let settled = try await Statements.settle([settlement], wait: true, on: connection)
        guard settled.stale.isEmpty else { throw JobError.leaseLost(id) }
        transactionalEnd.set(queues: settled.queues)
    }
}

/// Whether a handler ended its job in its own transaction, and which queues to wake once it has committed.
final class TransactionalEnd: Sendable {
    private struct State {
        var isBegun = false
        var queues: [String]?
    }
    private let state = Mutex(State())

    /// False when it was begun before.
    func begin() -> Bool {
        state.withLock { state in
            defer { state.isBegun = true }
            return !state.isBegun
        }
    }

    func set(queues: [String]) { state.withLock { $0.queues = queues } }

    /// From here on the job's row may be gone without that being a lost lease.
    var isBegun: Bool { state.withLock { $0.isBegun } }

    /// Nil when the job was not ended in a transaction.
    var queues: [String]? { state.withLock { $0.queues } }
}
