import Platform
import Postgres

/// Sets of jobs with one that starts when all of them have ended.
extension JobQueue {
    /// Enqueues a job that starts when all jobs of its batch have ended: those whose `JobOptions.batch` is the returned id, which is
    /// this job's. It waits at least until `closeBatch`. Unless `runsAfterFailure`, it is cancelled when one of them did not
    /// complete. Of its other options `queue`, `priority`, `maximumAttempts`, `uniqueKey` and `isAwaited` count.
    ///
    /// With a `uniqueKey` it may be repeated: the same batch is returned.
    public func createBatch<Work: Job>(then job: Work, _ options: JobOptions = Work.defaults) async throws -> JobID {
        let arguments = try ArgumentsCoding.encode(job, keys)
        let rows = try await Self.again {
            try await client.query(Statements.createBatch(Work.kind, arguments, options))
        }
        guard let row = rows.first else { throw PostgresError.noRow("create_batch") }
        return try row.decode(JobID.self)
    }

    /// Lets the batch's job start as soon as all have ended. Nothing can be added any more. Returns how many there are; closing
    /// again changes nothing.
    @discardableResult
    public func closeBatch(_ batch: JobID) async throws -> Int {
        let rows = try await Self.again { try await client.query(Statements.closeBatch(batch)) }
        guard let row = rows.first else { throw PostgresError.noRow("close_batch") }
        return try row.decode(Int.self)
    }

    /// How the jobs of a batch ended, in the order of their ids, a page at a time: those that have ended by now, or all in the handler
    /// of the batch's own job, whose `JobContext.id` is the batch.
    ///
    /// - Parameter after: the last id of the page before.
    public func batchResults(of batch: JobID, after: JobID = 0, atMost count: Int = 1000) async throws -> [JobResult] {
        try await client.query(Statements.batchResults(batch, after: after, atMost: count)).map { row in
            let (id, state, result, error) = try row.decode(JobID.self, String.self, JSON?.self, String?.self)
            return JobResult(
                id: id, state: .init(rawValue: state) ?? .failed, uniqueKey: nil, result: opened(result, of: id),
                error: error)
        }
    }
}
