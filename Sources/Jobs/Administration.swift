public import FoundationEssentials
import Postgres

/// Which dead letters a bulk operation is about: jobs that failed or expired, and were neither retried nor discarded since.
public struct DeadJobs: Sendable {
    public var kind: String?
    public var queue: String?
    /// Those that ended then or later.
    public var since: Date?
    /// The oldest so many, 1 … 100,000, in one transaction.
    public var atMost = 1000
    public init() {}
}

/// What an operator does with jobs and queues. A refusal is a `PostgresError` of SQLSTATE 22023 whose message and hint say why,
/// and what to do instead.
extension JobQueue {
    /// Lets a waiting job run now, or enqueues one that failed, expired or was cancelled again, once. Returns the id of the job
    /// that will run. Refused when the job is running, has completed, or is unknown.
    @discardableResult
    public func retry(_ id: JobID) async throws -> JobID { try await first(Statements.retry(id)) }

    /// Ends a waiting job as cancelled, or takes a dead letter off the list; false when it was cancelled or off the list before.
    /// Refused when the job is running, has completed, was retried, or is unknown.
    @discardableResult
    public func discard(_ id: JobID) async throws -> Bool { try await first(Statements.discard(id)) }

    /// Enqueues dead letters again, each once whoever else does so, and returns how many.
    @discardableResult
    public func retryFailed(_ which: DeadJobs = DeadJobs()) async throws -> Int {
        try await first(Statements.bulk("retry_failed", which))
    }

    /// Takes dead letters off the list and returns how many.
    @discardableResult
    public func discardFailed(_ which: DeadJobs = DeadJobs()) async throws -> Int {
        try await first(Statements.bulk("discard_failed", which))
    }

    /// Starts no job of the queue until it is resumed; running ones go on.
    public func pause(queue: String) async throws { try await client.query(Statements.pause(queue)) }

    public func resume(queue: String) async throws { try await client.query(Statements.resume(queue)) }

    private func first<Value: PostgresDecodable>(_ query: PostgresQuery) async throws -> Value {
        guard let row = try await client.query(query).first else { throw PostgresError.noRow(query.sql) }
        return try row.decode(Value.self)
    }
}

extension Statements {
    fileprivate static func retry(_ id: JobID) -> PostgresQuery { "SELECT retry_job(\(id))" }
    fileprivate static func discard(_ id: JobID) -> PostgresQuery { "SELECT discard_job(\(id))" }
    fileprivate static func pause(_ queue: String) -> PostgresQuery { "SELECT pause_queue(\(queue))" }
    fileprivate static func resume(_ queue: String) -> PostgresQuery { "SELECT resume_queue(\(queue))" }

    fileprivate static func bulk(_ function: String, _ which: DeadJobs) -> PostgresQuery {
        """
        SELECT \(unsafe: function)(\(which.kind), \(which.queue), \(which.since), \(Int32(clamping: which.atMost)))
        """
    }
}
