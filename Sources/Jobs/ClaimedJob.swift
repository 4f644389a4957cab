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

/// A job that this worker runs, or is to run. A class, since it goes through many hands and never changes.
final class ClaimedJob: Sendable {
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
    let arguments: Data
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

    init(
        lease: Lease, kind: String, queue: String, attempt: Int, maximumAttempts: Int, hasKey: Bool, isAwaited: Bool,
        enqueuedAt: Date, waited: Duration, arguments: Data, more: MoreOptions?, position: ClaimPlace.Position?,
        ending: Ending?
    ) {
        self.lease = lease
        self.kind = kind
        self.queue = queue
        self.attempt = attempt
        self.maximumAttempts = maximumAttempts
        self.hasKey = hasKey
        self.isAwaited = isAwaited
        self.enqueuedAt = enqueuedAt
        self.waited = waited
        self.arguments = arguments
        self.more = more
        self.position = position
        self.ending = ending
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
    private convenience init(_ row: PostgresRow, worker: Int64) throws {
        let id = try row.decode(Int64.self, at: 0)
        // Checked when it was enqueued: a claim is not to fail for one row.
        let more = try row.decode(JSON?.self, at: 13).flatMap { try? $0.decode(MoreOptions.self) }
        let state = try row.decode(String?.self, at: 11)
        let reason = try row.decode(String?.self, at: 12)
        try self.init(
            lease: Lease(id: id, fence: row.decode(at: 1), worker: worker), kind: row.decode(at: 8),
            queue: row.decode(at: 9), attempt: row.decode(at: 2), maximumAttempts: row.decode(at: 3),
            hasKey: row.decode(at: 4), isAwaited: row.decode(at: 5), enqueuedAt: row.decode(at: 6),
            waited: .seconds(row.decode(Double.self, at: 7)), arguments: row.decode(at: 10), more: more,
            position: row.decode(Int32?.self, at: 14).map { ClaimPlace.Position(priority: $0, id: id) },
            ending: state.map { Ending(state: .init(rawValue: $0) ?? .failed, reason: reason ?? "") })
    }
}
