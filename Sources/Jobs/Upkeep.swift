import Platform
import Postgres

/// The loops of a worker beside claiming: due jobs, lost jobs, late jobs, schedules, history. Every worker runs all of them;
/// that any number do at once is settled by the database (locked rows are skipped, ticks are unique).
struct Upkeep: Sendable {
    private static let batch = 1000
    private static let historyInterval = Duration.seconds(3600)

    let core: WorkerCore
    let liveness: Liveness
    let pollInterval: Duration
    let keepAlive: Duration
    let sweepInterval: Duration
    let historyRetention: Duration
    /// Rings when a job is due sooner than the next poll.
    let pollAlarm: Alarm

    /// Claims on notifications, the moment they come.
    func listen() async {
        if core.client.configuration.usesTransactionPooler {
            core.logger.info(
                "no notifications come through a transaction pooler: jobs are polled for",
                metadata: ["interval": "\(pollInterval)"])
        }
        let channels = [Announcer.jobsChannel, Announcer.cancelsChannel]
        await core.client.listen(channels, keepAlive: keepAlive) { [core] event in
            switch event {
            case .subscribed: core.wakeAll()
            case .notification(Announcer.cancelsChannel, let payload, _):
                if let id = JobID(payload) { core.stop(id, .cancelRequested) }
            case .notification(_, let queue, _): core.wake(queue)
            }
        }
    }

    /// Makes scheduled jobs available when they are due, and covers every notification that was lost.
    func poll() async {
        while !Task.isCancelled {
            let next = await attempt("polling") { try await promote() } ?? nil
            core.wakeAll()
            let pause = min(pollInterval * Double.random(in: 0.9...1.1), next ?? pollInterval)
            await pollAlarm.sleep(for: max(pause, .milliseconds(1)))
        }
    }

    /// Returns when the next job is due.
    private func promote() async throws -> Duration? {
        let rows = try await core.client.query(Statements.promote(core.queueNames, atMost: Self.batch))
        guard let (promoted, nextDue) = try rows.first?.decode(Int.self, Double?.self) else { return nil }
        // More than this worker may have room for.
        if promoted > 0 { core.announcer.wake(core.queueNames) }
        return nextDue.map { .seconds($0) }
    }

    /// Declares workers dead, takes their jobs back and ends those that are beyond saving or too late.
    func sweep() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: sweepInterval * Double.random(in: 0.75...1.25))
            guard let worker = core.worker else { continue }
            await attempt("sweeping") {
                try await bury(by: worker)
                try await rescue()
                try await adopt(worker)
            }
        }
    }

    private func bury(by worker: Int64) async throws {
        guard liveness.isSteady else { return }
        let buried = try await core.client.query(Statements.bury(by: worker)).first?.decode(Int.self) ?? 0
        guard buried > 0 else { return }
        core.metrics.buried.increment(by: Int64(buried))
        core.logger.warning("workers declared dead", metadata: ["workers": "\(buried)"])
    }

    private func rescue() async throws {
        var rescued = Self.batch
        while rescued == Self.batch {
            guard let row = try await core.client.query(Statements.rescue(atMost: Self.batch)).first else { return }
            let queues: [String]
            (rescued, queues) = try row.decode(Int.self, [String].self)
            guard rescued > 0 else { return }
            core.metrics.rescued.increment(by: Int64(rescued))
            core.logger.warning("jobs rescued", metadata: ["jobs": "\(rescued)"])
            core.announcer.wake(queues)
        }
    }

    private func adopt(_ worker: Int64) async throws {
        let rows: PostgresResult
        do {
            rows = try await core.client.query(Statements.adopt(worker, kinds: core.kinds, atMost: 100))
        } catch {
            // Lost like the answer of a claim: `Liveness` asks what this worker is believed to have.
            core.metrics.claimFailures.increment()
            throw error
        }
        let jobs = try ClaimedJob.list(rows, worker: worker)
        liveness.adopt(jobs.map(\.lease.id))
        guard !jobs.isEmpty else { return }
        // Not waited for: one that somebody holds up keeps neither the sweep nor the worker's stop. What is not ended then is
        // rescued by others.
        Task {
            for job in jobs {
                core.logger.error(
                    "job ended without running",
                    metadata: ["job": "\(job.lease.id)", "kind": job.kind, "reason": job.endingReason])
                await core.end(job)
                liveness.ended(job.lease.id)
            }
        }
    }

    /// Enqueues the ticks of the schedules.
    func schedules() async {
        guard !core.registry.schedules.isEmpty else { return }
        while !Task.isCancelled {
            var next = Duration.seconds(60)
            for schedule in core.registry.schedules {
                let pause = await attempt("schedule \(schedule.name)") { try await tick(schedule) } ?? .seconds(1)
                next = min(next, pause)
            }
            try? await Task.sleep(for: max(next, .milliseconds(1)))
        }
    }

    /// Returns the time until the next tick.
    private func tick(_ schedule: Schedule) async throws -> Duration {
        let rows = try await core.client.query(Statements.tick(schedule, core.keys))
        guard let (_, next) = try rows.first?.decode(Bool.self, Double.self) else { return schedule.interval }
        return .seconds(next)
    }

    /// Makes tomorrow's partitions of the history and drops those that are too old; forgets progress that dead workers left.
    func history() async {
        while !Task.isCancelled {
            let isDone: Void? = await attempt("history") {
                try await core.client.query(Statements.maintainHistory(keeping: historyRetention))
            }
            await attempt("pruning progress") { try await core.client.query(Statements.pruneProgress) }
            let pause = isDone == nil ? Duration.seconds(60) : Self.historyInterval
            try? await Task.sleep(for: pause * Double.random(in: 0.75...1.25))
        }
    }

    /// The next round of the loop tries again.
    @discardableResult
    private func attempt<Result>(_ what: String, _ body: () async throws -> Result) async -> Result? {
        do {
            return try await body()
        } catch {
            if !Task.isCancelled { core.logger.warning("\(what) failed", metadata: ["error": "\(error)"]) }
            return nil
        }
    }
}

extension ClaimedJob {
    var endingReason: String { ending?.reason ?? "none" }
}
