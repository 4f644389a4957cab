public import FoundationEssentials
public import Platform

/// The arguments of one kind of work. Kept as JSON in `jobs.arguments`, for all to read who read the database, unless the kind is
/// sealed. Dates are ISO 8601.
public protocol Job: Codable, Sendable {
    /// snake_case, e.g. "initiate_call". Stable: rows with it outlive a deploy.
    static var kind: String { get }
    /// Defaults for `enqueue`.
    static var defaults: JobOptions { get }
    /// Whether the arguments, and the result, are kept sealed; `.never` unless told otherwise. Nothing else of a job is: no secret
    /// in its keys, limits, holder, progress or errors.
    static var sealing: Sealing { get }
}

extension Job {
    public static var defaults: JobOptions { JobOptions() }
    public static var sealing: Sealing { .never }
}

public struct JobOptions: Sendable {
    public var queue = "default"
    /// Smaller first, 0 … 32767.
    public var priority = 100
    /// Nil is at once; the database's clock decides.
    public var runAt: Date?
    /// Run at most so often, the first included; 1 … 1000.
    public var maximumAttempts = 10
    /// Jobs of one key run one at a time in the order of their enqueueing commits. A retry holds its key. At most 200 bytes.
    public var key: String?
    /// A waiting or running job with the same unique key is returned instead of a new one. At most 200 bytes.
    public var uniqueKey: String?
    /// The unique key is held for so long from now on, whether its job has ended by then or not.
    public var uniqueFor: Duration?
    /// A job that has not started so long after it became due expires instead.
    public var startWithin: Duration?
    /// Someone waits for the result: its end is notified at once.
    public var isAwaited = false
    /// In place of the kind's own policy.
    public var retry: Backoff?
    /// It starts when all of these have ended, at most 1,000; not together with a key.
    public var dependsOn: [JobID] = []
    /// Whether it starts although one of `dependsOn` did not complete; else it is cancelled then.
    public var runsAfterFailure = false
    /// From `JobQueue.createBatch`.
    public var batch: JobID?
    /// It starts only with a slot and a token of each of these: `JobQueue.setLimit`. At most 8.
    public var limits: [String] = []
    /// Who holds the slots that it takes: until `JobQueue.releaseSlots`, for all jobs with this holder together. Nil is the job
    /// itself, until it ends or is put off. At most 200 bytes.
    public var slotHolder: String?
    /// Nil is that of the enqueueing task.
    public var trace: TraceContext?
    public init() {}
}

public typealias JobID = Int64

/// How a job ended, as a waiter sees it.
public struct JobResult: Sendable {
    public enum State: String, Sendable {
        case completed, failed, cancelled, expired
        /// There is no such job: a crash of the server undid it before it was on the disk, or it ended longer ago than
        /// history is kept.
        case lost
    }
    public let id: JobID
    public let state: State
    /// The id of a job that a crash undid may be drawn again: this tells whose result it is.
    public let uniqueKey: String?
    /// Opened, if it was sealed; as it stands in the database when this process cannot open it.
    public let result: JSON?
    /// One line, safe to show.
    public let error: String?
}
