/// All that a worker knows of its queues and of the jobs it runs. Pure: events in, actions out; the worker does them outside
/// its lock.
///
/// A job is claimed → waits → runs → is settled. A run that is told to stop (time limit, cancellation, lost lease, end of
/// the worker) has its task cancelled; if it is not back within the grace it is abandoned: its slot is given to another
/// task, and whatever the handler does later changes nothing.
struct WorkerState {
    typealias SlotID = Int
    typealias Instant = ContinuousClock.Instant

    enum StopReason: Sendable, Equatable {
        case timeLimit, cancelRequested, leaseLost, workerStops
    }

    enum Action {
        case claim(queue: String, count: Int, after: ClaimPlace.Position)
        /// In a new task.
        case start(ClaimedJob, slot: SlotID)
        case cancelTask(slot: SlotID)
    }

    struct Run {
        let job: ClaimedJob
        let slot: SlotID
        let start: Instant
        let deadline: Instant
        var stop: StopReason?
        var graceEnds: Instant?
    }

    enum RunEnd: Equatable {
        /// Settle it, then ask for what is `next`.
        case ended(StopReason?)
        /// The slot is another task's now: end this one, settle nothing.
        case abandoned
        /// The job was claimed anew meanwhile (a crash of the server undid the first claim): settle nothing.
        case superseded
    }

    private(set) var queues: [String: QueueSlots]
    private(set) var runs: [JobID: Run] = [:]
    private var abandoned: Set<SlotID> = []
    private var nextSlot = 0
    private(set) var isOpen = true
    private let timeLimits: [String: Duration]
    private let grace: Duration

    /// Handlers that ignored their cancellation and still run.
    var stuckCount: Int { abandoned.count }
    /// Nothing runs, waits or is being claimed.
    var isIdle: Bool { queues.values.allSatisfy { $0.running == 0 && $0.waiting.isEmpty && !$0.isClaiming } }

    init(queues: [String: Int], timeLimits: [String: Duration], grace: Duration) {
        self.queues = queues.mapValues { QueueSlots(limit: max(1, $0)) }
        self.timeLimits = timeLimits
        self.grace = grace
    }

    // MARK: Claims

    /// There may be jobs in this queue.
    mutating func wake(_ queue: String, at now: Instant) -> [Action] {
        queues[queue]?.becameHungry()
        return claimAction(queue, at: now).map { [$0] } ?? []
    }

    mutating func wakeAll(at now: Instant) -> [Action] { queues.keys.flatMap { wake($0, at: now) } }

    /// To be called a few times a second: looks that were put off.
    mutating func lookAgain(at now: Instant) -> [Action] {
        queues.filter { $0.value.isHungryAgain(at: now) }.keys.flatMap { wake($0, at: now) }
    }

    mutating func claimed(_ jobs: [ClaimedJob], of asked: Int, in queue: String, at now: Instant) -> [Action] {
        queues[queue]?.claimed(jobs, of: asked, at: now)
        return fillSlots(of: queue, at: now)
    }

    mutating func claimFailed(in queue: String) { queues[queue]?.claimFailed() }

    private mutating func claimAction(_ queue: String, at now: Instant) -> Action? {
        queues[queue]?.claim(at: now).map { .claim(queue: queue, count: $0.count, after: $0.after) }
    }

    // MARK: Runs

    /// Starts what waits, as far as slots are free, and claims more if that makes room.
    private mutating func fillSlots(of queue: String, at now: Instant) -> [Action] {
        var actions: [Action] = []
        while true {
            let (job, superseded) = start(in: queue, slot: nextSlot + 1, at: now)
            guard let job else { break }
            nextSlot += 1
            actions.append(.start(job, slot: nextSlot))
            if let superseded { actions.append(superseded) }
        }
        if let claim = claimAction(queue, at: now) { actions.append(claim) }
        return actions
    }

    private mutating func start(in queue: String, slot: SlotID, at now: Instant) -> (ClaimedJob?, Action?) {
        guard let job = queues[queue]?.start(at: now) else { return (nil, nil) }
        let deadline = now + (timeLimits[job.kind] ?? .seconds(60))
        let run = Run(job: job, slot: slot, start: now, deadline: deadline)
        // A run of the same job that is still under way lost its claim to a crash of the server.
        let superseded = runs.updateValue(run, forKey: job.lease.id)
        return (job, superseded.map { .cancelTask(slot: $0.slot) })
    }

    /// The handler has come back. The slot stays taken until `next`.
    mutating func end(_ job: ClaimedJob, slot: SlotID) -> RunEnd {
        if abandoned.remove(slot) != nil { return .abandoned }
        guard let run = runs[job.lease.id], run.slot == slot else { return .superseded }
        runs[job.lease.id] = nil
        return .ended(run.stop)
    }

    /// The slot is free: what its task runs next (nil: it ends), and what else there is to do.
    mutating func next(
        for slot: SlotID, in queue: String, after duration: Duration, at now: Instant
    ) -> (job: ClaimedJob?, actions: [Action]) {
        queues[queue]?.freed(after: duration)
        let (job, superseded) = start(in: queue, slot: slot, at: now)
        guard superseded != nil || queues[queue]?.wouldClaim == true else { return (job, []) }
        return (job, [superseded, claimAction(queue, at: now)].compactMap { $0 })
    }

    /// The same, for a task that was cancelled: another goes on in its place.
    mutating func replace(in queue: String, after duration: Duration, at now: Instant) -> [Action] {
        queues[queue]?.freed(after: duration)
        return fillSlots(of: queue, at: now)
    }

    // MARK: Stopping runs

    mutating func stop(_ id: JobID, _ reason: StopReason, at now: Instant) -> Action? {
        guard var run = runs[id], run.stop == nil else { return nil }
        run.stop = reason
        run.graceEnds = now + grace
        runs[id] = run
        return .cancelTask(slot: run.slot)
    }

    mutating func stopAll(_ reason: StopReason, at now: Instant) -> [Action] {
        runs.keys.compactMap { stop($0, reason, at: now) }
    }

    /// Stops the runs that are past their time limit.
    mutating func stopOverdue(at now: Instant) -> [Action] {
        runs.filter { $0.value.stop == nil && $0.value.deadline <= now }.keys.compactMap {
            stop($0, .timeLimit, at: now)
        }
    }

    /// Gives up on runs that were told to stop and are past the grace. Their slots are free.
    mutating func abandonStuck(at now: Instant) -> (stuck: [Run], actions: [Action]) {
        let stuck = runs.values.filter { $0.graceEnds.map { $0 <= now } ?? false }
        var actions: [Action] = []
        for run in stuck {
            runs[run.job.lease.id] = nil
            abandoned.insert(run.slot)
            actions += replace(in: run.job.queue, after: now - run.start, at: now)
        }
        return (stuck, actions)
    }

    // MARK: Giving back

    /// Jobs that were claimed ahead and of which none was started for so long, because those before them take longer than
    /// expected.
    mutating func takeStale(after limit: Duration, at now: Instant) -> [ClaimedJob] {
        let stale = queues.filter { $0.value.waitingSince.map { $0 + limit < now } ?? false }.keys
        return stale.flatMap { queues[$0]?.takeWaiting(after: limit) ?? [] }
    }

    /// Everything that waits here: the worker stops, or is no longer the one that claimed it.
    mutating func takeAllWaiting() -> [ClaimedJob] { queues.keys.flatMap { queues[$0]?.takeWaiting() ?? [] } }

    /// Claims and starts nothing any more; what waits here is given back.
    mutating func close() -> [ClaimedJob] {
        isOpen = false
        for queue in queues.keys { queues[queue]?.close() }
        return takeAllWaiting()
    }

    /// Whether this run is all there is to do: then nothing is won by collecting its end with others'.
    var isLastRun: Bool { runs.isEmpty && queues.values.allSatisfy(\.waiting.isEmpty) }

    /// What this worker holds, as far as it is not being settled.
    var leases: [Lease] {
        runs.values.map(\.job.lease) + queues.values.flatMap { $0.waiting.all.map(\.lease) }
    }
}
