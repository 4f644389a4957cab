public import FoundationEssentials
public import Platform
public import Postgres

/// What a handler returns. A thrown error is a failed attempt: retried by the kind's policy, failed when attempts are used up.
public enum JobOutcome: Sendable {
    case completed(JSON? = nil)
    /// `JobContext.complete(in:)` already finished it in the handler's own transaction.
    case completedInTransaction
    /// Not now: run again after this long. Does not count as an attempt.
    case snoozed(Duration)
    /// Ended on purpose; never retried.
    case cancelled(reason: String)
    /// Failed for good, without further attempts.
    case failed(reason: String)
}

/// Wait before attempt n+1.
public struct RetryPolicy: Sendable {
    public var delay: @Sendable (_ attempt: Int) -> Duration
    public init(delay: @escaping @Sendable (_ attempt: Int) -> Duration) { self.delay = delay }
    public static func exponentialJitter(
        base: Duration = .seconds(1), factor: Double = 2, maximum: Duration = .seconds(3600), jitter: Double = 0.25
    ) -> RetryPolicy { fatalError("skeleton") }
}

public struct JobContext: Sendable {
    public let id: JobID
    public let kind: String
    /// From 1.
    public let attempt: Int
    public let maximumAttempts: Int
    public let enqueuedAt: Date
    public let logger: Logger
    init() { fatalError("skeleton") }

    /// Ends this job inside the caller's transaction, fenced: throws `JobError.leaseLost` (roll back!) when this attempt is no longer
    /// ours. Then return `.completedInTransaction`. A waiter is woken after the commit.
    public func complete(_ result: JSON? = nil, in connection: PostgresConnection) async throws {
        fatalError("skeleton")
    }
}

public enum JobError: Error, Sendable { case leaseLost(JobID) }

/// The handlers that a worker knows. A kind that it does not know is left to workers that do.
public struct JobRegistry: Sendable {
    public init() { fatalError("skeleton") }
    /// `timeLimit` cancels the handler's task; the attempt then counts as failed.
    /// `onFailure` runs once when the job has failed, expired or been rescued too often, in the transaction that ends it.
    public mutating func register<Work: Job>(
        _ type: Work.Type, retry: RetryPolicy = .exponentialJitter(), timeLimit: Duration = .seconds(60),
        onFailure: (@Sendable (Work, _ error: String, PostgresConnection) async throws -> Void)? = nil,
        handler: @escaping @Sendable (Work, JobContext) async throws -> JobOutcome
    ) { fatalError("skeleton") }

    /// Enqueues `job` once per tick of `interval` however many workers run (one row per schedule and tick).
    public mutating func every<Work: Job>(_ interval: Duration, name: String, _ job: Work) { fatalError("skeleton") }
}

/// Claims, runs, finishes, heartbeats and rescues. Any number of them, on any number of machines.
public final class Worker: Service {
    public struct Configuration: Sendable {
        /// Queue name to its own number of slots: a slow queue never takes another's.
        public var queues: [String: Int] = ["default": 16]
        public var heartbeat: Duration = .seconds(5)
        public var deadAfter: Duration = .seconds(15)
        public var pollInterval: Duration = .seconds(1)
        /// How long running jobs may finish after a graceful stop; then they are cancelled and given back.
        public var drainLimit: Duration = .seconds(15)
        public init() {}
    }
    public init(
        _ queue: JobQueue, registry: JobRegistry, configuration: Configuration, metrics: MetricsRegistry, logger: Logger
    ) { fatalError("skeleton") }
    public func run() async throws { fatalError("skeleton") }
}
