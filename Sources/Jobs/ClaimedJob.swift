import FoundationEssentials
import Platform
import Postgres

/// The right to end a running job: good as long as the row still has this fence and this worker.
struct Lease: Sendable, Hashable {
    let id: JobID
    /// How often the job had been claimed, this claim included.
    let fence: Int32
    let worker: Int64
}

/// A job that this worker runs, or is to run.
struct ClaimedJob: Sendable {
    let lease: Lease
    let kind: String
    let queue: String
    let attempt: Int
    let maximumAttempts: Int
    let hasKey: Bool
    let isAwaited: Bool
    let enqueuedAt: Date
    /// Since it was due, by the database's clock.
    let waited: Duration
    /// JSON text.
    let arguments: [UInt8]
    /// Nil when it has none of them, which is the rule.
    let more: MoreOptions?
    /// In its queue's order; nil for one of a lane, and for one that is only to be ended.
    let position: ClaimPlace.Position?
    /// Nil for a job to run; else it is only to be ended in this way.
    let ending: Ending?

    struct Ending: Sendable {
        let state: Settlement.Outcome
        let reason: String
    }
}

extension ClaimedJob {
    /// What `Statements.claim` or `adopt` returned, in the queue's order, those without a place first.
    static func list(_ rows: PostgresResult, worker: Int64) throws -> [ClaimedJob] {
        let jobs = try rows.map { try ClaimedJob($0, worker: worker) }
        func isBefore(_ one: ClaimedJob, _ other: ClaimedJob) -> Bool {
            (one.position ?? .front) < (other.position ?? .front)
        }
        // As a rule they lie in that order.
        let isInOrder = zip(jobs, jobs.dropFirst()).allSatisfy { !isBefore($1, $0) }
        return isInOrder ? jobs : jobs.sorted(by: isBefore)
    }

    /// A row of the SQL type `claimed_job`, whose columns come in this order, and the priority.
    private init(_ row: PostgresRow, worker: Int64) throws {
        let columns = try row.decode(
            Int64.self, Int32.self, Int.self, Int.self, Bool.self, Bool.self, Date.self, Double.self, String.self,
            String.self, [UInt8].self, String?.self, String?.self, JSON?.self, Int32?.self)
        let (id, fence, attempt, maximumAttempts, hasKey, isAwaited, enqueuedAt) = (
            columns.0, columns.1, columns.2, columns.3, columns.4, columns.5, columns.6
        )
        let (waited, kind, queue, arguments, state, reason, more, priority) = (
            columns.7, columns.8, columns.9, columns.10, columns.11, columns.12, columns.13, columns.14
        )
        // Checked when it was enqueued: a claim is not to fail for one row.
        let options = try? more?.decode(MoreOptions.self)
        self.init(
            lease: Lease(id: id, fence: fence, worker: worker), kind: kind, queue: queue, attempt: attempt,
            maximumAttempts: maximumAttempts, hasKey: hasKey, isAwaited: isAwaited, enqueuedAt: enqueuedAt,
            waited: .seconds(waited), arguments: arguments, more: options,
            position: priority.map { ClaimPlace.Position(priority: $0, id: id) },
            ending: state.map { Ending(state: .init(rawValue: $0) ?? .failed, reason: reason ?? "") })
    }
}
