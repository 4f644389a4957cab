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
    /// The jobs for whose ends it waited.
    public let dependsOn: [JobID]
    /// A span of its own in the trace of whoever enqueued it.
    public let trace: TraceContext?

    let keys: Keyring
    private let sealing: Sealing
    private let lease: Lease
    private let hasKey: Bool
    private let isAwaited: Bool
    private let announcer: Announcer
    private let workerLogger: Logger
    private let progressReports: ProgressReports?
    let transactionalEnd = TransactionalEnd()

    init(
        _ job: ClaimedJob, sealing: Sealing, keys: Keyring, announcer: Announcer, progress: ProgressReports? = nil,
        logger: Logger
    ) {
        self.sealing = sealing
        self.keys = keys
        progressReports = progress
        id = job.lease.id
        hasKey = job.hasKey
        isAwaited = job.isAwaited
        self.announcer = announcer
        kind = job.kind
        attempt = job.attempt
        maximumAttempts = job.maximumAttempts
        enqueuedAt = job.enqueuedAt
        dependsOn = job.more?.dependsOn ?? []
        trace = job.more?.trace?.child
        lease = job.lease
        workerLogger = logger
    }

    /// The worker's logger; its lines name the job, its kind and its attempt.
    public var logger: Logger {
        var logger = workerLogger
        logger[metadataKey: "job"] = "\(id)"
        logger[metadataKey: "kind"] = kind
        logger[metadataKey: "attempt"] = "\(attempt)"
        if let trace { logger[metadataKey: "trace_id"] = "\(trace.traceID)" }
        return logger
    }

    /// Says how far the job is, for whoever watches it (`job_progress`). Never waits, and may be called as often as one likes:
    /// the newest value is written within a second, at most one a second, and is gone when the job ends. A job that takes less than
    /// a tenth of a second writes nothing.
    /// - Parameters:
    ///   - fraction: 0 … 1; what is outside counts as the nearest of them.
    ///   - message: one line; what is over 200 Unicode scalars is cut off. Never a secret.
    public func progress(_ fraction: Double, _ message: String? = nil) { progressReports?.report(fraction, message) }

    /// Ends this job inside the caller's transaction, fenced: throws `JobError.leaseLost` (roll back!) when this attempt is
    /// no longer ours. Then return `.completedInTransaction`. A waiter is woken after the commit.
    ///
    /// Holds the lock of the job's key until the transaction ends, so call it last.
    public func complete(_ result: JSON? = nil, in connection: PostgresConnection) async throws {
        guard transactionalEnd.begin() else { throw JobError.completedTwice(id) }
        let end = completion(try sealed(result), notify: false)
        let rows = try await fenced { try await connection.query(end) }
        transactionalEnd.set(try queues(rows), isCommitted: false)
    }

    /// Runs statements and ends this job, all in one transaction and one round trip, fenced: throws `JobError.leaseLost`, and
    /// nothing has happened, when this attempt is no longer ours. Then return `.completedInTransaction`. After a connection
    /// error it may or may not have been committed; throw that on, and the job ends as it should.
    ///
    /// When somebody waits for the result, this does not wait for the disk: whoever gets the result does. A crash of the
    /// server may undo it until then, the end of the job included.
    public func complete(
        _ result: JSON? = nil, with statements: [PostgresQuery], on client: PostgresClient
    ) async throws {
        guard transactionalEnd.begin() else { throw JobError.completedTwice(id) }
        let result = try sealed(result)
        let isAlone = !isAwaited && announcer.beginAlone() != nil
        defer { if isAlone { announcer.endAlone() } }
        let end =
            isAwaited
            ? Statements.completeAwaited(lease, hasKey: hasKey, result: result)
            : completion(result, notify: isAlone)
        let results: [PostgresResult]
        do {
            results = try await fenced { try await JobQueue.again { try await client.batch(statements + [end]) } }
        } catch {
            if (error as? PostgresError)?.leavesCommitUnknown == true { transactionalEnd.outcomeIsUnknown() }
            throw error
        }
        guard let rows = results.last else { throw PostgresError.noRow("complete_job") }
        transactionalEnd.set(try queues(rows), isCommitted: true, isAnnounced: isAlone || isAwaited)
    }

    private func completion(_ result: String?, notify: Bool) -> PostgresQuery {
        Statements.complete(lease, hasKey: hasKey, result: result, notify: notify)
    }

    /// A handler's outcome with the result as it is kept.
    func sealing(_ outcome: JobOutcome) throws -> JobOutcome {
        guard case .completed(let result?) = outcome, let envelope = try envelope(of: result) else { return outcome }
        return .completed(envelope)
    }

    private func sealed(_ result: JSON?) throws -> String? {
        guard let result else { return nil }
        return try (envelope(of: result) ?? result).text
    }

    /// Nil when the kind's results are not sealed.
    private func envelope(of result: JSON) throws -> JSON? {
        guard try sealing.applies(to: kind, keys) else { return nil }
        return try keys.seal(result.bytes, for: .result(of: id))
    }

    private func queues(_ rows: PostgresResult) throws -> [String] {
        guard let row = rows.first else { throw PostgresError.noRow("complete_job") }
        return try row.decode([String].self)
    }

    private func fenced<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as PostgresError where error.sqlState == "OPJ01" {
            throw JobError.leaseLost(id)
        }
    }
}

extension PostgresError {
    /// The statements were sent, or may have been, and nobody said what became of them.
    fileprivate var leavesCommitUnknown: Bool {
        switch code {
        case .connection, .closed: true
        // With the server's word for it, they were stopped.
        case .cancelled: sqlState == nil
        case .server, .poolTimeout, .decoding: false
        }
    }
}

/// Whether a handler ended its job in its own transaction, and which queues to wake once it has committed.
final class TransactionalEnd: Sendable {
    private struct State {
        var isBegun = false
        var mayBeCommitted = false
        var isCommitted = false
        var isAnnounced = false
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

    /// - Parameters:
    ///   - isCommitted: the transaction is over; else it is the handler's to commit.
    ///   - isAnnounced: workers and waiters have been told with the commit.
    func set(_ queues: [String], isCommitted: Bool, isAnnounced: Bool = false) {
        state.withLock { state in
            state.queues = queues
            state.mayBeCommitted = true
            state.isCommitted = isCommitted
            state.isAnnounced = isAnnounced
        }
    }

    var mayBeCommitted: Bool { state.withLock { $0.mayBeCommitted } }
    var isCommitted: Bool { state.withLock { $0.isCommitted } }
    var isAnnounced: Bool { state.withLock { $0.isAnnounced } }

    /// The answer to the commit was lost.
    func outcomeIsUnknown() { state.withLock { $0.mayBeCommitted = true } }

    /// Nil when the job was not ended in a transaction.
    var queues: [String]? { state.withLock { $0.queues } }
}
