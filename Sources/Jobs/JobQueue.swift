import FoundationEssentials
public import Platform
public import Postgres
import Synchronization

/// Where launchers, ingress and handlers put work, and where its results are waited for. Every statement is a function of
/// the schema, so Swift and SQL launchers share one way.
public final class JobQueue: Service {
    static let resultPolling = Duration.milliseconds(500)
    /// Behind a transaction pooler, where no notification comes.
    static let pooledResultPolling = Duration.milliseconds(50)
    private static let maximumLookUp = 1000

    let client: PostgresClient
    let announcer: Announcer
    let keys: Keyring
    let logger: Logger
    private let waiters = Mutex(ResultWaiters())

    /// - Parameter keys: seal what is enqueued and open what is run, for kinds that are sealed.
    public init(_ client: PostgresClient, keys: Keyring = Keyring(), logger: Logger) {
        self.client = client
        self.keys = keys
        self.logger = logger
        announcer = Announcer(client, logger: logger)
    }

    // MARK: Enqueue

    /// Commits one job and wakes a worker. Returns its id (an existing one's when `uniqueKey` conflicts).
    ///
    /// Throws `PostgresError`; one that names a constraint (`job_…`) says which option is out of its range. After a
    /// connection error, a timeout or a cancellation the job may or may not exist: with a `uniqueKey` it is safe to enqueue
    /// again.
    @discardableResult
    public func enqueue<Work: Job>(_ job: Work, _ options: JobOptions = Work.defaults) async throws -> JobID {
        // Alone, its commit carries the notification, which saves a round trip. Beside others it does not, because such a
        // commit holds a lock of the whole server until it is on the disk: then one notification follows for all.
        if let alone = announcer.beginAlone() {
            defer { announcer.endAlone() }
            return try await enqueueAlone(job, options, isCold: alone.isCold)
        }
        let arguments = try ArgumentsCoding.encode(job, keys)
        let statement = try Statements.insert(Work.kind, arguments, options)
        let rows = try await Self.again { try await client.query(statement) }
        guard let row = rows.first else { throw PostgresError.noRow("insert_job") }
        let (id, needsWaking) = try row.decode(JobID.self, Bool.self)
        if needsWaking { wakeWorkers(of: options.queue) }
        return id
    }

    private func enqueueAlone<Work: Job>(_ job: Work, _ options: JobOptions, isCold: Bool) async throws -> JobID {
        try await client.withConnection { connection in
            // Workers that have been idle for long wake up while the job is being encoded and written.
            let hint = Task.immediate {
                guard isCold, options.runAt == nil else { return }
                _ = try? await connection.query(Statements.notify([(Announcer.jobsChannel, options.queue)]))
            }
            let rows: PostgresResult
            do {
                let arguments = try ArgumentsCoding.encode(job, keys)
                let statement = try Statements.enqueueNow(Work.kind, arguments, options)
                rows = try await Self.again { try await connection.query(statement) }
            } catch {
                // The connection goes back without anything under way.
                await hint.value
                throw error
            }
            guard let row = rows.first else { throw PostgresError.noRow("enqueue_job_now") }
            return try row.decode(JobID.self)
        }
    }

    /// Inside the caller's transaction: the job exists exactly if it commits. With a key, other enqueuers and the ends of
    /// that key's jobs wait for the transaction.
    @discardableResult
    public func enqueue<Work: Job>(
        _ job: Work, _ options: JobOptions = Work.defaults, in connection: PostgresConnection
    ) async throws -> JobID {
        let arguments = try ArgumentsCoding.encode(job, keys)
        let rows = try await connection.query(try Statements.enqueue(Work.kind, arguments, options))
        guard let row = rows.first else { throw PostgresError.noRow("enqueue_job") }
        return try row.decode(JobID.self)
    }

    /// Many at once, all or none: by COPY when no option needs the database to look at each.
    public func enqueue<Work: Job>(all jobs: [Work], _ options: JobOptions = Work.defaults) async throws {
        guard !jobs.isEmpty else { return }
        if options.suitCopy {
            let copy = BulkCopy(jobs: jobs, options: options, keys: keys)
            try await Self.again {
                try await client.withTransaction { connection in
                    if let batch = options.batch { try await connection.query(Statements.joinBatch(batch)) }
                    try await connection.copyIn(unsafe: BulkCopy<Work>.statement, from: copy)
                }
            }
        } else {
            let statement = try Statements.enqueueAll(
                Work.kind, try jobs.map { try ArgumentsCoding.encode($0, keys) }, options)
            try await Self.again { try await client.query(statement) }
        }
        if options.runAt == nil { wakeWorkers(of: options.queue) }
    }

    /// A deadlock or a serialization failure undid it for certain: done again, a few times at once.
    @discardableResult
    static func again<Result>(_ body: () async throws -> Result) async throws -> Result {
        for _ in 0..<3 {
            do {
                return try await body()
            } catch let error as PostgresError where ["40P01", "40001"].contains(error.sqlState) {
                continue
            }
        }
        return try await body()
    }

    /// For a statement that calls `insert_job` by itself, such as one that looks up and enqueues in one round trip. `body`
    /// is told whether workers are to hear of it with its own commit, which is quickest (by `announce_job`), or after it:
    /// then call `wakeWorkers`.
    public func announcing<Result>(
        _ body: (_ withItsCommit: Bool) async throws -> Result
    ) async rethrows -> Result {
        let isAlone = announcer.beginAlone() != nil
        defer { if isAlone { announcer.endAlone() } }
        return try await body(isAlone)
    }

    /// Wakes workers after a commit. A hint: it never throws, and losing it costs a polling interval.
    public func wakeWorkers(of queue: String) { announcer.wake(CollectionOfOne(queue)) }

    /// Cancels a waiting job at once; asks a running one to stop. False when it had already ended.
    public func cancel(_ id: JobID) async throws -> Bool {
        let rows = try await Self.again { try await client.query(Statements.cancel(id)) }
        return try rows.first?.decode(Bool.self) ?? false
    }

    // MARK: Results

    /// Waits until the job has ended, or returns nil after `limit`. By notification with polling underneath; needs
    /// `run()`. What it returns is on the disk. Throws only when the task is cancelled; while the database is away it waits.
    public func result(of id: JobID, within limit: Duration) async throws -> JobResult? {
        let ticket = waiters.withLock { $0.ticket() }
        let timer = Task {
            try? await Task.sleep(for: limit)
            giveUp(id, ticket)
        }
        defer { timer.cancel() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiters.withLock { $0.add(continuation, for: id, ticket: ticket) }
                // Cancelled before it was added: nobody else would answer it.
                if Task.isCancelled { giveUp(id, ticket) }
                lookUp()
            }
        } onCancel: {
            giveUp(id, ticket)
        }
        if result == nil { try Task.checkCancellation() }
        return result
    }

    /// Listens for ended jobs until stopped.
    public func run() async throws {
        let stopped = Alarm()
        await withGracefulStopHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.listen() }
                group.addTask { await self.poll() }
                await stopped.wait()
                group.cancelAll()
            }
        } onGracefulStop: {
            stopped.ring()
        }
    }

    private func listen() async {
        await client.listen([Announcer.resultsChannel]) { [self] event in
            waiters.withLock { waiters in
                switch event {
                case .subscribed: waiters.wantAll()
                case .notification(_, let payload, _): if let id = JobID(payload) { waiters.want(id) }
                }
            }
            lookUp()
        }
    }

    private func poll() async {
        let isPooled = client.configuration.usesTransactionPooler
        while (try? await Task.sleep(for: isPooled ? Self.pooledResultPolling : Self.resultPolling)) != nil {
            waiters.withLock { $0.wantAll() }
            lookUp()
        }
    }

    private func giveUp(_ id: JobID, _ ticket: Int) {
        waiters.withLock { $0.remove(id, ticket: ticket) }?.resume(returning: nil)
    }

    private func lookUp() {
        guard let ids = waiters.withLock({ $0.startLookUp(atMost: Self.maximumLookUp) }) else { return }
        // Asked on this thread: a change of threads would cost as much as the question.
        Task.immediate {
            let results = await results(of: ids)
            let answers = waiters.withLock { $0.found(results) }
            for (waiter, result) in answers { waiter.resume(returning: result) }
            lookUp()
        }
    }

    private func results(of ids: [JobID]) async -> [JobResult] {
        do {
            return try await client.query(Statements.results(of: ids)).map { row in
                let (id, state, uniqueKey, result, error) = try row.decode(
                    JobID.self, String.self, String?.self, JSON?.self, String?.self)
                return JobResult(
                    id: id, state: .init(rawValue: state) ?? .failed, uniqueKey: uniqueKey,
                    result: opened(result, of: id), error: error)
            }
        } catch {
            // The next poll asks again.
            logger.debug("results not looked up", metadata: ["error": "\(error)"])
            return []
        }
    }
}

extension PostgresError {
    /// A function that always returns a row did not.
    static func noRow(_ function: String) -> PostgresError {
        PostgresError(.decoding, "\(function) returned no row: the schema is not the one of this version")
    }
}
