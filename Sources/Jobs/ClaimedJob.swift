import FoundationEssentials
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
    /// Nil for a job to run; else it is only to be ended in this way.
    let ending: Ending?

    struct Ending: Sendable {
        let state: Settlement.Outcome
        let reason: String
    }

    init(_ row: PostgresRow, worker: Int64) throws {
        let (
            id, fence, attempt, maximumAttempts, hasKey, isAwaited, enqueuedAt, waited, kind, queue, arguments, ending,
            reason
        ) =
            try row.decode(
                Int64.self, Int32.self, Int.self, Int.self, Bool.self, Bool.self, Date.self, Double.self, String.self,
                String.self, [UInt8].self, String?.self, String?.self)
        self.lease = Lease(id: id, fence: fence, worker: worker)
        self.kind = kind
        self.queue = queue
        self.attempt = attempt
        self.maximumAttempts = maximumAttempts
        self.hasKey = hasKey
        self.isAwaited = isAwaited
        self.enqueuedAt = enqueuedAt
        self.waited = .seconds(waited)
        self.arguments = arguments
        self.ending = ending.map { state in
            Ending(state: Settlement.Outcome(rawValue: state) ?? .failed, reason: reason ?? "")
        }
    }
}
