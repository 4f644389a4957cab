public import Platform

/// What a handler returns. A thrown error is a failed attempt: retried by the kind's policy, failed when attempts are
/// used up.
public enum JobOutcome: Sendable {
    /// The result is kept with the job, at most 1 MiB of JSON.
    case completed(JSON? = nil)
    /// `JobContext.complete(in:)` already finished it in the handler's own transaction. Checked: if that transaction did
    /// not commit after all, the attempt counts as failed.
    case completedInTransaction
    /// Not now: run again after this long. Does not count as an attempt.
    case snoozed(Duration)
    /// Ended on purpose; never retried.
    case cancelled(reason: String)
    /// Failed for good, without further attempts.
    case failed(reason: String)
}

public enum JobError: Error, Sendable, CustomStringConvertible {
    /// This attempt is not ours any more: the worker was declared dead, and the job is another's or has ended.
    case leaseLost(JobID)
    /// `complete(in:)` was called twice.
    case completedTwice(JobID)

    public var description: String {
        switch self {
        case .leaseLost(let id): "job \(id) is not this worker's any more: roll back what this attempt did"
        case .completedTwice(let id): "job \(id) was completed twice in its own transaction"
        }
    }
}
