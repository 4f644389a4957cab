import Platform
import Postgres

/// What `JobQueue.drain` ran, and how it ended, as the database has it.
public struct DrainReport: Sendable {
    public enum Outcome: String, Sendable {
        case completed, failed, cancelled, expired
        /// The attempt failed, and another one follows.
        case retried
        /// Put off, without having spent an attempt.
        case snoozed

        var isFailure: Bool { self == .failed || self == .expired || self == .retried }
    }

    public struct Run: Sendable, Hashable {
        public let id: JobID
        public let kind: String
        /// From 1; 0 when it expired before its first run.
        public let attempt: Int
        public let outcome: Outcome
        /// The job's latest error, one line; nil when it completed.
        public let error: String?
    }

    /// In the order in which they ran. A job that ran twice is in it twice.
    public fileprivate(set) var runs: [Run] = []
    /// Nothing more was due; false when the rounds were over before.
    public fileprivate(set) var isDrained = false

    public var counts: [Outcome: Int] { runs.reduce(into: [:]) { $0[$1.outcome, default: 0] += 1 } }
    public func ids(_ outcome: Outcome) -> [JobID] { runs.filter { $0.outcome == outcome }.map(\.id) }
}

/// The first attempt that failed in a drain that was to stop there.
public struct DrainFailure: Error, Sendable, CustomStringConvertible {
    public let run: DrainReport.Run
    public var description: String {
        "job \(run.id) of kind \(run.kind), attempt \(run.attempt): \(run.error ?? run.outcome.rawValue)"
    }
}

extension JobQueue {
    /// Runs what is due in some queues, one job at a time, until nothing is: by the claims, handlers and ends of a worker, in the
    /// order in which one would claim it, queues in the order given. For tests, where no worker runs beside; jobs that these
    /// enqueue are run too. Jobs of a kind that the registry does not have are left.
    ///
    /// Throws `DrainFailure`, or `PostgresError`. When its task is cancelled the running job's is, and is given back. A handler that
    /// ignores its cancellation is waited for. Who is killed in it leaves a worker that is taken for dead after an hour.
    /// - Parameters:
    ///   - includingScheduled: jobs that wait for a later time, retries among them, run as if it had come.
    ///   - rounds: a round runs as many jobs as could be claimed at its beginning, so a job that enqueues itself anew runs once in each.
    ///   - throwingAtFirstFailure: throws `DrainFailure` when an attempt failed or a job expired; what is left waits on.
    @discardableResult
    public func drain(
        _ queues: [String] = ["default"], with registry: JobRegistry, includingScheduled: Bool = false,
        rounds: Int = 100, throwingAtFirstFailure: Bool = false
    ) async throws -> DrainReport {
        let core = handDriven(registry, queues)
        let rows = try await client.query(
            Statements.register(name: "drain", queues: queues, kinds: core.kinds, deadAfter: .seconds(3600)))
        let worker = try rows.first?.decode(Int64.self)
        core.worker = worker
        let drain = Drain(
            core: core, queues: queues, includesScheduled: includingScheduled, throwsAtFailure: throwingAtFirstFailure)
        let result: Result<DrainReport, any Error>
        do {
            result = .success(try await drain.run(rounds: rounds))
        } catch {
            result = .failure(error)
        }
        // In a task that nobody cancels: what was given back is to be in the database.
        await Task { await leave(core, worker) }.value
        return try result.get()
    }

    /// What cannot be told is found out by other workers.
    private func leave(_ core: WorkerCore, _ worker: Int64?) async {
        _ = await core.acknowledger.drain(within: .seconds(5))
        if let worker { _ = try? await client.query(Statements.deregister(worker)) }
    }

    private func handDriven(_ registry: JobRegistry, _ queues: [String]) -> WorkerCore {
        let metrics = MetricsRegistry()
        return WorkerCore(
            registry: registry, queues: Dictionary(queues.map { ($0, 1) }) { slots, _ in slots }, grace: .seconds(3),
            keys: keys, client: client, handlerClient: client,
            acknowledger: Acknowledger(client, announcer: announcer, metrics: metrics, logger: logger) { _ in },
            announcer: announcer, metrics: WorkerMetrics(metrics, kinds: registry.kinds.keys), logger: logger)
    }
}

private struct Drain {
    private static let batch = 1000

    let core: WorkerCore
    let queues: [String]
    let includesScheduled: Bool
    let throwsAtFailure: Bool

    func run(rounds: Int) async throws -> DrainReport {
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await core.watchUntilCancelled() }
                defer { group.cancelAll() }
                var report = DrainReport()
                for _ in 0..<rounds where !report.isDrained {
                    let before = report.runs.count
                    try await round(&report)
                    report.isDrained = report.runs.count == before
                }
                return report
            }
        } onCancel: {
            core.stopAll()
        }
    }

    private func round(_ report: inout DrainReport) async throws {
        try await core.client.query(
            includesScheduled ? Statements.wakeAll(queues) : Statements.promote(queues, atMost: Self.batch))
        guard let worker = core.worker else { return }
        let rows = try await core.client.query(Statements.adopt(worker, kinds: core.kinds, atMost: Self.batch))
        for job in try ClaimedJob.list(rows, worker: worker) {
            await core.end(job)
            try await core.untilAcknowledged()
            try await add(job, to: &report)
        }
        var left = try await core.client.query(Statements.claimable(queues)).first?.decode(Int.self) ?? 0
        while left > 0, let job = try await next() {
            left -= 1
            try await add(job, to: &report)
        }
    }

    /// Nil when nothing can be claimed.
    private func next() async throws -> ClaimedJob? {
        for queue in queues {
            try Task.checkCancellation()
            if let job = try await core.runNext(of: queue) { return job }
        }
        return nil
    }

    private func add(_ job: ClaimedJob, to report: inout DrainReport) async throws {
        let rows = try await core.client.query(Statements.state(of: job.lease.id))
        guard let row = rows.first else { throw PostgresError.noRow("jobs") }
        let (state, attempt, error) = try row.decode(String.self, Int.self, String?.self)
        let putOff: DrainReport.Outcome = attempt == job.attempt ? .retried : .snoozed
        let run = DrainReport.Run(
            id: job.lease.id, kind: job.kind, attempt: job.attempt,
            outcome: DrainReport.Outcome(rawValue: state) ?? putOff, error: error)
        report.runs.append(run)
        if throwsAtFailure, run.outcome.isFailure { throw DrainFailure(run: run) }
    }
}

extension Statements {
    fileprivate static func wakeAll(_ queues: [String]) -> PostgresQuery {
        "SELECT wake_job(id) FROM jobs WHERE queue = ANY (\(queues)) AND state = 'scheduled'"
    }

    fileprivate static func claimable(_ queues: [String]) -> PostgresQuery {
        "SELECT count(*) FROM jobs WHERE queue = ANY (\(queues)) AND state IN ('available', 'limited')"
    }

    fileprivate static func state(of id: JobID) -> PostgresQuery {
        """
        SELECT state::text, attempt, error FROM finished_jobs WHERE id = \(id)
        UNION ALL SELECT state::text, attempt, error FROM jobs WHERE id = \(id)
        """
    }
}
