import Platform
import Postgres
import Synchronization

/// Claims jobs and runs them: the doer of what `WorkerState` decides.
final class WorkerCore: Sendable {
    let registry: JobRegistry
    let kinds: [String]
    let queueNames: [String]
    /// The worker's own connections: handlers that use up theirs do not stop claims, ends and heartbeats.
    let client: PostgresClient
    let acknowledger: Acknowledger
    let announcer: Announcer
    let metrics: WorkerMetrics
    let logger: Logger
    let keys: Keyring
    /// Rings when nothing runs any more.
    let idle = Alarm()

    private let failureEnding: FailureEnding
    private let state: Mutex<WorkerState>
    private let tasks = Mutex<[WorkerState.SlotID: Task<Void, Never>]>([:])
    private let identity = Mutex<Int64?>(nil)

    init(
        registry: JobRegistry, queues: [String: Int], grace: Duration, keys: Keyring, client: PostgresClient,
        handlerClient: PostgresClient, acknowledger: Acknowledger, announcer: Announcer, metrics: WorkerMetrics,
        logger: Logger
    ) {
        self.registry = registry
        kinds = registry.kinds.keys.sorted()
        queueNames = queues.keys.sorted()
        self.client = client
        self.acknowledger = acknowledger
        self.announcer = announcer
        self.metrics = metrics
        self.logger = logger
        self.keys = keys
        failureEnding = FailureEnding(
            client: handlerClient, keys: keys, acknowledger: acknowledger, announcer: announcer, logger: logger)
        state = Mutex(
            WorkerState(queues: queues, timeLimits: registry.kinds.mapValues(\.timeLimit), grace: grace))
    }

    /// Under which this worker claims; nil while it is not registered, or its heart does not beat: then it claims nothing.
    var worker: Int64? {
        get { identity.withLock { $0 } }
        set { identity.withLock { $0 = newValue } }
    }

    // MARK: Events from outside

    func wake(_ queue: String) { perform(state.withLock { $0.wake(queue, at: .now) }) }
    func wakeAll() { perform(state.withLock { $0.wakeAll(at: .now) }) }

    func stop(_ id: JobID, _ reason: WorkerState.StopReason) {
        if let action = state.withLock({ $0.stop(id, reason, at: .now) }) { perform([action]) }
    }

    /// The worker was declared dead: what it runs and holds is not its own any more.
    func leaseLost() {
        let actions = state.withLock { state in
            // Given back by those who declared us dead.
            _ = state.takeAllWaiting()
            return state.stopAll(.leaseLost, at: .now)
        }
        perform(actions)
    }

    func close() { release(state.withLock { $0.close() }) }

    func stopAll() { perform(state.withLock { $0.stopAll(.workerStops, at: .now) }) }

    var isIdle: Bool { state.withLock { $0.isIdle } }
    var leases: [Lease] { state.withLock { $0.leases } }
    /// Jobs that have run and whose end the database may not have yet.
    var ending: [JobID] { acknowledger.ids + failureEnding.ids }

    /// To be called a few times a second: time limits, handlers that do not come back, jobs claimed too far
    /// ahead, and looks for jobs that were put off.
    func watch() {
        let now = ContinuousClock.now
        let (stuck, actions, stale) = state.withLock { state in
            let overdue = state.stopOverdue(at: now)
            let (stuck, replacements) = state.abandonStuck(at: now)
            return (
                stuck, overdue + replacements + state.lookAgain(at: now), state.takeStale(after: .seconds(1), at: now)
            )
        }
        perform(actions)
        release(stale)
        for run in stuck { abandon(run) }
        if !stuck.isEmpty { ringIfIdle() }
    }

    func watchUntilCancelled() async {
        while (try? await Task.sleep(for: .milliseconds(100))) != nil { watch() }
    }

    /// Ends a job that is not to run, such as one that is too late.
    func end(_ job: ClaimedJob) async {
        guard let ending = job.ending else { return }
        var settlement = Settlement(job.lease, ending.state, error: ending.reason)
        settlement.hasKey = job.hasKey
        settlement.isAwaited = job.isAwaited
        await settle(job, settlement, isLast: true)
    }

    // MARK: Doing

    private func perform(_ actions: [WorkerState.Action]) {
        for action in actions {
            switch action {
            // Asked on this thread: a change of threads would cost as much as the question.
            case .claim(let queue, let count, let position):
                Task.immediate { await claim(count, from: queue, after: position) }
            case .start(let job, let slot):
                // Made under the lock, which its end waits for: no handle outlives its task.
                tasks.withLock { $0[slot] = Task { await runSlot(slot, job) } }
            case .cancelTask(let slot): tasks.withLock { $0[slot] }?.cancel()
            }
        }
    }

    private func claim(_ count: Int, from queue: String, after position: ClaimPlace.Position) async {
        do {
            guard let worker else { return state.withLock { $0.claimFailed(in: queue) } }
            let jobs = try await jobs(count, of: queue, after: position, for: worker)
            perform(state.withLock { $0.claimed(jobs, of: count, in: queue, at: .now) })
            // Closed meanwhile: nothing of it was started.
            release(state.withLock { $0.isOpen ? [] : $0.takeAllWaiting() })
        } catch {
            metrics.claimFailures.increment()
            state.withLock { $0.claimFailed(in: queue) }
            logger.warning("claim failed", metadata: ["queue": queue, "error": "\(error)"])
        }
        ringIfIdle()
    }

    private func jobs(
        _ count: Int, of queue: String, after position: ClaimPlace.Position, for worker: Int64
    ) async throws -> [ClaimedJob] {
        let statement = Statements.claim(worker, queue: queue, kinds: kinds, atMost: count, after: position)
        return try ClaimedJob.list(try await client.query(statement), worker: worker)
    }

    /// For who drives it by hand, where nobody wakes it and each queue has one slot: claims one job, runs it and returns it when its
    /// end is in the database. Nil when there is none to claim.
    func runNext(of queue: String) async throws -> ClaimedJob? {
        guard let worker else { return nil }
        guard let job = try await jobs(1, of: queue, after: .front, for: worker).first else { return nil }
        // As if it had asked for more: then it claims nothing by itself afterwards.
        perform(state.withLock { $0.claimed([job], of: 2, in: queue, at: .now) })
        // Cancelled while it was claimed, when there was no run to stop.
        if Task.isCancelled { stopAll() }
        for task in tasks.withLock({ Array($0.values) }) { await task.value }
        try await untilAcknowledged()
        return job
    }

    func untilAcknowledged() async throws {
        while await !acknowledger.drain(within: .seconds(5)) { try Task.checkCancellation() }
    }

    private func release(_ jobs: [ClaimedJob]) {
        acknowledger.add(
            jobs.map { job in
                var settlement = Settlement(job.lease, .release)
                settlement.hasKey = job.hasKey
                return settlement
            })
    }

    private func ringIfIdle() {
        if state.withLock({ !$0.isOpen && $0.isIdle }) { idle.ring() }
    }

    // MARK: Running

    /// Runs jobs one after the other until there is none, or its task is cancelled for the sake of one: then another goes on.
    private func runSlot(_ slot: WorkerState.SlotID, _ first: ClaimedJob) async {
        defer { tasks.withLock { $0[slot] = nil } }
        // Told to stop before there was a task to cancel.
        if state.withLock({ $0.runs[first.lease.id]?.stop != nil }) { withUnsafeCurrentTask { $0?.cancel() } }
        var current: ClaimedJob? = first
        while let job = current {
            let start = ContinuousClock.now
            guard await runOne(job, slot, start) else { break }
            let duration = ContinuousClock.now - start
            await acknowledger.waitForRoom()
            if Task.isCancelled {
                perform(state.withLock { $0.replace(in: job.queue, after: duration, at: .now) })
                break
            }
            let next = state.withLock { $0.next(for: slot, in: job.queue, after: duration, at: .now) }
            perform(next.actions)
            current = next.job
        }
        ringIfIdle()
    }

    /// False when the slot was taken from this task.
    private func runOne(_ job: ClaimedJob, _ slot: WorkerState.SlotID, _ start: ContinuousClock.Instant) async -> Bool {
        guard let kind = registry.kinds[job.kind] else {
            // Never: only known kinds are claimed. Another worker may know it.
            _ = state.withLock { $0.end(job, slot: slot) }
            release([job])
            return true
        }
        let progress = ProgressReports(job.lease, client: client)
        let context = JobContext(
            job, sealing: kind.sealing, keys: keys, announcer: announcer, progress: progress, logger: logger)
        let result: RunEnding.Result
        do {
            let outcome =
                if let trace = context.trace {
                    try await TraceContext.$current.withValue(trace) { try await registry.run(kind, job, context) }
                } else {
                    try await registry.run(kind, job, context)
                }
            result = .returned(outcome)
        } catch {
            if let error = error as? OpeningError {
                context.logger.error("a sealed job cannot be opened", metadata: ["error": "\(error)"])
            }
            result = .threw(error)
        }
        progress.end()
        let (end, isLast) = state.withLock { ($0.end(job, slot: slot), $0.isLastRun) }
        switch end {
        case .abandoned:
            reportStuck()
            return false
        case .superseded: return true
        case .ended(let stop):
            record(job, ContinuousClock.now - start)
            let ending = RunEnding(
                job: job, kind: kind, result: result, stop: stop, transactionalEnd: context.transactionalEnd)
            announce(ending)
            if let settlement = ending.settlement {
                await settle(job, settlement, isLast: isLast)
            } else if context.transactionalEnd.isCommitted {
                metrics.kinds[job.kind]?.outcomes[.completed]?.increment()
            }
            return true
        }
    }

    /// A handler's own transaction ended the job: who waits for that hears of it now.
    private func announce(_ ending: RunEnding) {
        let end = ending.transactionalEnd
        guard let queues = end.queues, !end.isAnnounced, end.isCommitted || ending.saysCompletedInTransaction else {
            return
        }
        announcer.wake(queues)
        if ending.job.isAwaited { announcer.ended([ending.job.lease.id]) }
    }

    private func settle(_ job: ClaimedJob, _ settlement: Settlement, isLast: Bool) async {
        // A fallback is expected to change nothing: the handler's own commit was the end.
        let outcome = settlement.isFallback ? .completed : settlement.outcome
        metrics.kinds[job.kind]?.outcomes[outcome]?.increment()
        let isFailure = settlement.outcome == .failed || settlement.outcome == .expired
        guard isFailure, let onFailure = registry.kinds[job.kind]?.onFailure else {
            return acknowledger.add(settlement, isLast: isLast)
        }
        failureEnding.hold(job.lease.id)
        // In a task of its own: the one of the run may have been cancelled.
        await Task { await failureEnding.end(job, settlement, onFailure: onFailure) }.value
    }

    private func record(_ job: ClaimedJob, _ duration: Duration) {
        guard let metrics = metrics.kinds[job.kind] else { return }
        metrics.pickUp.record(job.waited)
        metrics.run.record(duration)
    }

    // MARK: Handlers that do not come back

    private func abandon(_ run: WorkerState.Run) {
        logger.error(
            "a handler ignores its cancellation: its slot is given to others",
            metadata: ["job": "\(run.job.lease.id)", "kind": run.job.kind, "reason": "\(run.stop, default: "none")"])
        reportStuck()
        guard let kind = registry.kinds[run.job.kind] else { return }
        let ending = RunEnding(
            job: run.job, kind: kind, result: .threw(CancellationError()), stop: run.stop,
            transactionalEnd: TransactionalEnd())
        if let settlement = ending.settlement {
            Task { await settle(run.job, settlement, isLast: true) }
        }
    }

    private func reportStuck() { metrics.stuck.record(Double(state.withLock { $0.stuckCount })) }
}
