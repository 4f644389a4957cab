import FoundationEssentials
import Platform
import Postgres

/// The queue's statements. Most call one function of the schema, where the reasons are (migrations/001 and 009).
enum Statements {
    /// In the caller's transaction; notifies with its commit. Returns the id.
    static func enqueue(_ kind: String, _ arguments: String, _ options: JobOptions) throws -> PostgresQuery {
        let more = try options.more
        return """
            SELECT id, announce_job(due, \(options.queue), true)
            FROM insert_job(\(kind), \(arguments)::jsonb, \(options.queue), \(Int32(clamping: options.priority)),
                \(options.runAt), \(Int32(clamping: options.maximumAttempts)), \(options.key), \(options.uniqueKey),
                \(options.startWithin), \(options.isAwaited), \(more))
            """
    }

    /// Returns the id, and whether workers are to be told.
    static func insert(_ kind: String, _ arguments: String, _ options: JobOptions) throws -> PostgresQuery {
        let more = try options.more
        return """
            SELECT id, due FROM insert_job(\(kind), \(arguments)::jsonb, \(options.queue),
                \(Int32(clamping: options.priority)), \(options.runAt), \(Int32(clamping: options.maximumAttempts)),
                \(options.key), \(options.uniqueKey), \(options.startWithin), \(options.isAwaited), \(more))
            """
    }

    /// Outside of any transaction. Returns the id.
    static func enqueueNow(_ kind: String, _ arguments: String, _ options: JobOptions) throws -> PostgresQuery {
        let more = try options.more
        return """
            CALL enqueue_job_now(\(kind), \(arguments)::jsonb, \(options.queue), \(Int32(clamping: options.priority)),
                \(options.runAt), \(Int32(clamping: options.maximumAttempts)), \(options.key), \(options.uniqueKey),
                \(options.startWithin), \(options.isAwaited), NULL, \(more))
            """
    }

    /// In the order of `arguments`.
    static func enqueueAll(_ kind: String, _ arguments: [String], _ options: JobOptions) throws -> PostgresQuery {
        let more = try options.more
        return """
            SELECT bool_or(job.due)
            FROM unnest(\(arguments)) WITH ORDINALITY AS new (arguments, position)
            CROSS JOIN LATERAL insert_job(\(kind), new.arguments::jsonb, \(options.queue),
                \(Int32(clamping: options.priority)), \(options.runAt), \(Int32(clamping: options.maximumAttempts)),
                \(options.key), \(options.uniqueKey), \(options.startWithin), \(options.isAwaited), \(more)) AS job
            """
    }

    static func createBatch(_ kind: String, _ arguments: String, _ options: JobOptions) -> PostgresQuery {
        """
        SELECT create_batch(\(kind), \(arguments)::jsonb, \(options.queue), \(Int32(clamping: options.priority)),
            \(Int32(clamping: options.maximumAttempts)), \(options.uniqueKey), \(options.isAwaited),
            \(options.runsAfterFailure ? "run" : "cancel"))
        """
    }

    static func setLimit(_ name: String, slots: Int?, perSecond: Double?, burst: Int) -> PostgresQuery {
        """
        SELECT set_limit(\(name), \(slots.map(Int32.init(clamping:))), \(perSecond), \(Int32(clamping: burst)))
        """
    }

    static func dropLimit(_ name: String) -> PostgresQuery { "SELECT drop_limit(\(name))" }

    static func releaseSlots(of holder: String) -> PostgresQuery { "SELECT release_slots(\(holder)::text)" }

    static func joinBatch(_ batch: JobID) -> PostgresQuery { "SELECT join_batch(\(batch))" }

    static func closeBatch(_ batch: JobID) -> PostgresQuery { "SELECT close_batch(\(batch))" }

    static func batchResults(_ batch: JobID, after: JobID, atMost count: Int) -> PostgresQuery {
        "SELECT id, state, result, error FROM batch_results(\(batch), \(after), \(Int32(clamping: count)))"
    }

    /// Completes one job in its handler's transaction. Returns the queues to wake.
    static func complete(_ lease: Lease, hasKey: Bool, result: String?, notify: Bool) -> PostgresQuery {
        """
        SELECT complete_job(\(lease.worker), \(lease.id), \(lease.fence), \(hasKey), \(result)::jsonb, \(notify))
        """
    }

    /// The same for a job whose result somebody waits for: its commit does not wait for the disk, because whoever takes the
    /// result does (`results`). It notifies, which without that wait holds the server's lock for a moment only.
    static func completeAwaited(_ lease: Lease, hasKey: Bool, result: String?) -> PostgresQuery {
        """
        SELECT complete_job(\(lease.worker), \(lease.id), \(lease.fence), \(hasKey), \(result)::jsonb, true)
        FROM (SELECT set_config('synchronous_commit', 'off', true)) AS commit_mode
        """
    }

    static func notify(_ hints: [(channel: String, payload: String)]) -> PostgresQuery {
        """
        SELECT pg_notify(channel, payload)
        FROM unnest(\(hints.map(\.channel)), \(hints.map(\.payload))) AS hint (channel, payload)
        """
    }

    /// Of those that have ended, or are not there. What is found is on the disk when this has returned: its own commit may not
    /// have waited for that (`completeAwaited`), so this one does.
    static func results(of ids: [JobID]) -> PostgresQuery { "SELECT * FROM job_results(\(ids))" }

    static func cancel(_ id: JobID) -> PostgresQuery { "SELECT cancel_job(\(id))" }

    static func register(
        name: String, queues: [String], kinds: [String], deadAfter: Duration
    ) -> PostgresQuery {
        "SELECT register_worker(\(name), \(queues), \(kinds), \(deadAfter))"
    }

    static func beat(_ worker: Int64, isStopping: Bool) -> PostgresQuery {
        "SELECT beat_worker(\(worker), \(isStopping))"
    }

    static func deregister(_ worker: Int64) -> PostgresQuery { "DELETE FROM workers WHERE id = \(worker)" }

    static func check(_ worker: Int64, _ leases: [Lease]) -> PostgresQuery {
        "SELECT * FROM check_jobs(\(worker), \(leases.map(\.id)), \(leases.map(\.fence)))"
    }

    static func releaseUnheld(_ worker: Int64, held: [JobID], claimedBefore age: Duration) -> PostgresQuery {
        "SELECT release_unheld_jobs(\(worker), \(held), \(age))"
    }

    static func claim(
        _ worker: Int64, queue: String, kinds: [String], atMost count: Int, after place: ClaimPlace.Position
    ) -> PostgresQuery {
        """
        SELECT * FROM claim_jobs(\(worker), \(queue), \(kinds), \(Int32(clamping: count)), \(place.priority), \(place.id))
        """
    }

    static func promote(_ queues: [String], atMost count: Int) -> PostgresQuery {
        "SELECT * FROM promote_jobs(\(queues), \(Int32(clamping: count)))"
    }

    static func bury(by worker: Int64) -> PostgresQuery { "SELECT bury_workers(\(worker))" }

    static func rescue(atMost count: Int) -> PostgresQuery { "SELECT * FROM rescue_jobs(\(Int32(clamping: count)))" }

    static func adopt(_ worker: Int64, kinds: [String], atMost count: Int) -> PostgresQuery {
        "SELECT *, NULL::integer AS priority FROM adopt_jobs(\(worker), \(kinds), \(Int32(clamping: count)))"
    }

    static func tick(_ schedule: Schedule, _ keys: Keyring) throws -> PostgresQuery {
        """
        SELECT * FROM enqueue_tick(\(schedule.name), \(schedule.interval), \(schedule.kind),
            \(try schedule.arguments(keys))::jsonb, \(schedule.options.queue), \(Int32(clamping: schedule.options.priority)),
            \(Int32(clamping: schedule.options.maximumAttempts)))
        """
    }

    static func maintainHistory(keeping retention: Duration) -> PostgresQuery {
        "SELECT * FROM maintain_history(\(retention))"
    }

    /// Returns whether the job still is this run's. Neither this nor `removeProgress` waits for the disk: the table is unlogged.
    static func reportProgress(_ lease: Lease, _ report: ProgressThrottle.Report) -> PostgresQuery {
        "SELECT report_progress(\(lease.id), \(report.fraction), \(report.message), \(lease.worker), \(lease.fence))"
    }

    static func removeProgress(_ lease: Lease) -> PostgresQuery {
        "DELETE FROM progress_reports WHERE job_id = \(lease.id) AND fence = \(lease.fence)"
    }

    static var pruneProgress: PostgresQuery { "SELECT prune_progress()" }

    static func health(maximumAge: Duration) -> PostgresQuery { "SELECT name, queue, value FROM health(\(maximumAge))" }

    static func complete(_ worker: Int64, _ settlements: [Settlement]) -> PostgresQuery {
        "SELECT complete_jobs(\(worker), \(settlements.map(\.lease.id)), \(settlements.map(\.lease.fence)))"
    }

    /// `settlements` are all of `worker`.
    static func settle(_ worker: Int64, _ settlements: [Settlement], wait: Bool) -> PostgresQuery {
        """
        SELECT * FROM settle_jobs(\(worker), \(settlements.map(\.lease.id)), \(settlements.map(\.lease.fence)),
            \(settlements.map(\.outcome.rawValue)), \(settlements.map { $0.result ?? "" }),
            \(settlements.map { $0.error ?? "" }), \(settlements.map(\.delay.inSeconds)), \(wait))
        """
    }
}

/// What became of settlements.
struct Settled: Sendable {
    /// Were not this worker's any more.
    var stale: Set<JobID> = []
    /// To be tried again: another transaction holds their key.
    var busy: Set<JobID> = []
    /// Have a job that can be claimed now.
    var queues: [String] = []

    init() {}

    init(_ row: PostgresRow) throws {
        let (stale, busy, queues) = try row.decode([Int64].self, [Int64].self, [String].self)
        self.stale = Set(stale)
        self.busy = Set(busy)
        self.queues = queues
    }
}

extension Statements {
    /// Settles leases of one worker, each fenced, waiting for locked keys if told to.
    static func settle(
        _ settlements: [Settlement], wait: Bool, on connection: PostgresConnection
    ) async throws -> Settled {
        guard let worker = settlements.first?.lease.worker else { return Settled() }
        let rows = try await connection.query(settle(worker, settlements, wait: wait))
        return try rows.first.map(Settled.init) ?? Settled()
    }
}
