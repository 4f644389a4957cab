public import Platform
public import Postgres

/// Where launchers, ingress and handlers put work. All statements go through the SQL function `enqueue_job`, so Swift and SQL
/// launchers share one way.
public final class JobQueue: Service {
    public init(_ client: PostgresClient, logger: Logger) { fatalError("skeleton") }

    /// Commits one job and wakes a worker. Returns its id (an existing one's when `uniqueKey` conflicts).
    @discardableResult
    public func enqueue<Work: Job>(_ job: Work, _ options: JobOptions = Work.defaults) async throws -> JobID {
        fatalError("skeleton")
    }
    /// Inside the caller's transaction: the job exists exactly if it commits.
    @discardableResult
    public func enqueue<Work: Job>(
        _ job: Work, _ options: JobOptions = Work.defaults, in connection: PostgresConnection
    ) async throws -> JobID { fatalError("skeleton") }
    /// Many at once, by COPY when there are many.
    public func enqueue<Work: Job>(all jobs: [Work], _ options: JobOptions = Work.defaults) async throws {
        fatalError("skeleton")
    }

    /// Wakes workers after the commit of a statement that called `enqueue_job` by itself (such as one that looks up and
    /// enqueues in one round trip). A hint: it never throws, and losing it costs a polling interval.
    public func wakeWorkers(of queue: String) { fatalError("skeleton") }

    /// Waits until the job has ended, or returns nil after `limit`. By notification with polling underneath; needs `run()`.
    public func result(of id: JobID, within limit: Duration) async throws -> JobResult? { fatalError("skeleton") }

    /// Cancels a waiting job at once; asks a running one to stop. False when it had already ended.
    public func cancel(_ id: JobID) async throws -> Bool { fatalError("skeleton") }

    /// Listens for ended jobs until stopped.
    public func run() async throws { fatalError("skeleton") }
}
