import FoundationEssentials
import Jobs
import Platform
import Postgres

/// One random command after the other, to the database and to the model, and what each of them answered.
struct History {
    let bench: JobBench
    let clock: DatabaseClock
    var random: SeededGenerator
    var model = QueueModel()
    /// Every lease there ever was: the stale ones are tried again.
    var leases: [(id: JobID, worker: Int64, claims: Int, ending: String?)] = []
    var everyWorker: [Int64] = []

    /// Where the model's clock begins: later than any clock of a machine, since what is not told a time takes that.
    static let start = "2100-01-01 00:00:00+00"
    private static let startDate = Date(timeIntervalSince1970: 4_102_444_800)
    private static let queues = ["default", "other"]
    private static let limitNames = ["a", "b", "c"]

    static func run(seed: UInt64, steps: Int) async throws -> Discrepancy? {
        try await DatabaseClock.with(start) { bench, clock in
            var history = History(bench: bench, clock: clock, random: SeededGenerator(seed: seed))
            return try await history.run(steps)
        }
    }

    private init(bench: JobBench, clock: DatabaseClock, random: SeededGenerator) {
        (self.bench, self.clock, self.random) = (bench, clock, random)
    }

    /// What the model expected and what there was, after these steps.
    struct Discrepancy: Error, CustomStringConvertible {
        let steps: [String]
        let reason: String
        var description: String { "\(reason)\nafter:\n" + steps.joined(separator: "\n") }
    }

    private mutating func run(_ count: Int) async throws -> Discrepancy? {
        var steps: [String] = []
        for _ in 0..<2 { steps.append(try await registerWorker()) }
        for name in Self.limitNames { steps.append(try await setLimit(name)) }
        for _ in 0..<count {
            do {
                steps.append(try await step())
                try await compare()
            } catch let difference as Difference {
                return Discrepancy(steps: steps, reason: "\(difference)")
            }
        }
        return nil
    }

    private mutating func step() async throws -> String {
        switch int(0..<100) {
        case 0..<26: return try await enqueue()
        case 26..<28: return try await enqueueAll()
        case 28..<48: return try await claim()
        case 48..<66: return try await settle()
        case 66..<70: return try await cancel()
        case 70..<73: return try await wake()
        case 73..<76: return try await killWorker()
        case 76..<79: return try await rescue()
        case 79: return try await registerWorker()
        case 80..<83: return try await advance()
        case 83..<86: return try await retryOrDiscard()
        case 86: return try await bulk()
        case 87..<89: return try await batch()
        case 89..<92: return try await closeBatch()
        case 92: return try await setLimit(pick(Self.limitNames))
        case 93..<95: return try await release()
        case 95..<97: return try await pauseOrResume()
        default: return try await schedule()
        }
    }
}

// MARK: What launchers do

extension History {
    private mutating func enqueue() async throws -> String {
        var entry = QueueModel.Entry()
        var options = JobOptions()
        entry.queue = pick(Self.queues)
        entry.priority = int(1..<4)
        entry.maximumAttempts = int(1..<5)
        entry.runAt = pick([0, 0, 0, model.now + int(1..<120)])
        let startWithin = pick([nil, nil, nil, int(1..<120)])
        entry.startBy = startWithin.map { max(entry.runAt, model.now) + $0 }
        entry.unique = pick([nil, nil, nil, "x", "y"])
        let uniqueFor = entry.unique == nil ? nil : pick([nil, int(1..<200)])
        if int(0..<3) == 0 { entry.limits = pick([["a"], ["b"], ["a", "b"], ["a", "c"], ["c"]]) }
        entry.holder = entry.limits.isEmpty ? nil : pick([nil, "call"])
        entry.batch = pick([nil, nil, model.batches.keys.sorted().last])
        if let batch = entry.batch, model.batches[batch]?.size != nil { entry.batch = nil }
        var dependsOn: Set<JobID> = []
        switch int(0..<6) {
        case 0..<2: entry.key = pick(["k", "l"])
        case 2 where model.lastID > 0:
            let known = model.jobs.map(\.id) + model.ended.map(\.job.id)
            dependsOn = Set((0..<int(1..<3)).map { _ in pick(known) })
            entry.runsAfterFailure = pick([true, false])
        default: break
        }
        (options.queue, options.priority, options.maximumAttempts) = (entry.queue, entry.priority, entry.maximumAttempts)
        (options.key, options.uniqueKey, options.batch) = (entry.key, entry.unique, entry.batch)
        (options.limits, options.slotHolder) = (entry.limits, entry.holder)
        (options.dependsOn, options.runsAfterFailure) = (dependsOn.sorted(), entry.runsAfterFailure)
        options.startWithin = startWithin.map { .seconds($0) }
        options.uniqueFor = uniqueFor.map { .seconds($0) }
        options.runAt = entry.runAt > 0 ? Self.startDate + Double(entry.runAt) : nil
        let answer = model.answer(unique: entry.unique, isHeldForTime: uniqueFor != nil)
        let id = try await bench.queue.enqueue(Work(), options)
        try differ(answer == nil, id > model.lastID, "a new job")
        model.hold(entry.unique, by: id, for: uniqueFor)
        if let answer {
            try differ(answer, id, "the job of unique key \(entry.unique ?? "")")
            return "enqueue again \(id)"
        }
        entry.id = id
        model.enqueue(entry, after: dependsOn)
        return "enqueue \(entry) for \(uniqueFor ?? 0) s after \(dependsOn.sorted())"
    }

    private mutating func enqueueAll() async throws -> String {
        let (count, queue) = (int(1..<4), pick(Self.queues))
        var options = JobOptions()
        options.queue = queue
        try await bench.queue.enqueue(all: (0..<count).map { Work(name: "\($0)") }, options)
        let ids = try await newJobs()
        try differ(count, ids.count, "jobs of a bulk enqueue")
        for id in ids { model.enqueue(QueueModel.Entry(id: id, queue: queue)) }
        return "enqueue all \(ids)"
    }

    private mutating func batch() async throws -> String {
        let runs = pick([true, false])
        let options = JobOptions.with { ($0.runsAfterFailure, $0.queue) = (runs, "default") }
        let id = try await bench.queue.createBatch(then: Work(), options)
        var entry = QueueModel.Entry(id: id, priority: options.priority, maximumAttempts: options.maximumAttempts)
        entry.state = "waiting"
        model.jobs.append(entry)
        model.batches[id] = QueueModel.Batch(runsAfterFailure: runs)
        return "batch \(id), runs after failure: \(runs)"
    }

    private mutating func closeBatch() async throws -> String {
        guard let id = model.batches.keys.sorted().randomElement(using: &random) else { return "no batch to close" }
        try differ(model.closeBatch(id) ?? -1, try await bench.queue.closeBatch(id), "size of the batch")
        return "close batch \(id)"
    }

    private mutating func cancel() async throws -> String {
        let id = anyJob()
        try differ(model.cancel(id), try await bench.queue.cancel(id), "cancel \(id)")
        return "cancel \(id)"
    }

    private mutating func wake() async throws -> String {
        let id = anyJob()
        try differ(model.wake(id), try await bench.value("SELECT wake_job(\(id))", Bool.self), "wake \(id)")
        return "wake \(id)"
    }

    private mutating func retryOrDiscard() async throws -> String {
        let id = anyJob()
        guard int(0..<3) > 0 else {
            let answer = try await unlessRefused { try await bench.queue.discard(id) }
            try differ(model.discard(id), answer, "discard \(id)")
            return "discard \(id)"
        }
        let answer = try await unlessRefused { try await bench.queue.retry(id) }
        let expected = model.retry(id)
        if expected == 0, let answer {
            model.enqueueAgain(id, as: answer)
        } else {
            try differ(expected, answer, "retry \(id)")
        }
        return "retry \(id) as \(answer ?? 0)"
    }

    private mutating func bulk() async throws -> String {
        var which = DeadJobs()
        which.atMost = int(1..<4)
        let dead = model.dead(atMost: which.atMost)
        guard int(0..<3) > 0 else {
            try differ(dead.count, try await bench.queue.discardFailed(which), "discard the dead")
            for id in dead { _ = model.discard(id) }
            return "discard the dead \(dead)"
        }
        try differ(dead.count, try await bench.queue.retryFailed(which), "retry the dead")
        // By what each became, in that order: keys and unique keys decide it.
        let pairs = try await bench.sql(
            "SELECT id, retried_as FROM finished_jobs WHERE id = ANY (\(dead)) ORDER BY retried_as"
        ).map { try $0.decode(JobID.self, JobID.self) }
        for (id, again) in pairs { model.enqueueAgain(id, as: again) }
        return "retry the dead \(pairs)"
    }

    // MARK: Queues, limits, time

    private mutating func pauseOrResume() async throws -> String {
        let queue = pick(Self.queues)
        if model.paused.remove(queue) != nil {
            try await bench.queue.resume(queue: queue)
            return "resume \(queue)"
        }
        model.paused.insert(queue)
        try await bench.queue.pause(queue: queue)
        return "pause \(queue)"
    }

    private mutating func setLimit(_ name: String) async throws -> String {
        // What computers add without error: halves.
        let slots = name == "c" ? nil : int(1..<4)
        let (perSecond, burst) = (name == "a" ? nil : pick([0.5, 1]), int(1..<3))
        try await bench.queue.setLimit(name, slots: slots, perSecond: perSecond, burst: burst)
        model.setLimit(name, slots: slots, perSecond: perSecond, burst: burst)
        return "limit \(name): \(slots ?? -1) slots, \(perSecond ?? -1) a second, burst \(burst)"
    }

    private mutating func release() async throws -> String {
        try await bench.queue.releaseSlots(of: "call")
        model.release("call")
        return "release slots of call"
    }

    private mutating func advance() async throws -> String {
        model.now += pick([1, 1, 10, 100, 400])
        try await clock.set(Self.start, plus: .seconds(model.now))
        _ = try await bench.sql("SELECT promote_jobs(\(Self.queues), 1000)")
        model.promote()
        return "the clock shows \(model.now) s"
    }

    private mutating func schedule() async throws -> String {
        let name = "tick"
        guard let schedule = model.schedule else {
            try await bench.sql("SELECT set_schedule(\(name), '*/5 * * * *', 'work')")
            var schedule = QueueModel.Schedule(interval: 300, next: 0)
            schedule.next = model.nextTick(schedule)
            model.schedule = schedule
            return "set schedule"
        }
        if int(0..<4) == 0 {
            try await bench.sql(
                schedule.isPaused ? "SELECT resume_schedule(\(name))" : "SELECT pause_schedule(\(name))")
            model.schedule?.isPaused.toggle()
            let next = model.nextTick(schedule)
            if schedule.isPaused { model.schedule?.next = next }
            return schedule.isPaused ? "resume schedule" : "pause schedule"
        }
        let enqueued: Int = try await bench.value("SELECT enqueued FROM enqueue_due_ticks(10)")
        let due = model.dueTick()
        let job = try await newJobs().first
        try differ(due?.hasJob ?? false, job != nil, "a job of its own for the tick that is due")
        try differ(job == nil ? 0 : 1, enqueued, "ticks enqueued")
        if let due { model.ticked(due.tick, job) }
        return "tick \(due?.tick ?? -1) as \(job ?? 0)"
    }
}

// MARK: What workers do

extension History {
    private mutating func registerWorker() async throws -> String {
        let worker = try await bench.registerWorker()
        model.workers.insert(worker)
        everyWorker.append(worker)
        return "register worker \(worker)"
    }

    private mutating func claim() async throws -> String {
        let (worker, queue, count) = (pick(everyWorker), pick(Self.queues), int(1..<5))
        let claimed: [JobID] = try await bench.column(
            "SELECT id FROM claim_jobs(\(worker), \(queue), ARRAY['work'], \(Int32(count))) ORDER BY id")
        let expected = model.claim(worker, queue, count)
        try differ(expected, claimed, "claimed of \(queue), at most \(count), by worker \(worker)")
        for id in claimed { remember(id) }
        return "claim \(claimed) of \(queue) by worker \(worker)"
    }

    private mutating func settle() async throws -> String {
        guard let lease = leases.randomElement(using: &random) else { return "nothing to settle" }
        let outcome =
            lease.ending ?? pick(["completed", "completed", "completed", "failed", "cancelled", "retry", "snooze", "release"])
        let delay = pick([0, 0, 30])
        let (ids, fences) = ([lease.id], [Int32(lease.claims)])
        let hasKey = model.job(lease.id)?.key != nil
        let stale: [JobID]
        switch outcome == "completed" ? int(0..<3) : 0 {
        case 1 where !hasKey:
            stale = try await bench.value("SELECT complete_jobs(\(lease.worker), \(ids), \(fences))")
        case 2:
            do {
                try await bench.sql(
                    "SELECT complete_job(\(lease.worker), \(lease.id), \(fences[0]), \(hasKey), NULL, true)")
                stale = []
            } catch let error as PostgresError where error.sqlState == "OPJ01" {
                stale = ids
            }
        default:
            stale = try await bench.value(
                """
                SELECT stale FROM settle_jobs(\(lease.worker), \(ids), \(fences), ARRAY[\(outcome)], ARRAY[''], ARRAY[''],
                    ARRAY[\(Double(delay))], true)
                """)
        }
        let isGood = model.settle(lease.id, lease.worker, lease.claims, outcome, delay: delay)
        try differ(isGood ? [] : ids, stale, "stale ends")
        return "settle \(lease) as \(outcome), delay \(delay)"
    }

    private mutating func killWorker() async throws -> String {
        let worker = pick(everyWorker)
        try await bench.sql("DELETE FROM workers WHERE id = \(worker)")
        model.workers.remove(worker)
        if model.workers.isEmpty { _ = try await registerWorker() }
        return "kill worker \(worker)"
    }

    private mutating func rescue() async throws -> String {
        let rescuer = pick(everyWorker)
        let rescued: Int = try await bench.value("SELECT rescued FROM rescue_jobs(1000)")
        let expected = model.rescue()
        try differ(expected.count, rescued, "rescued")
        // When the second rescue lets it run is drawn by lot.
        for id in expected {
            let later: Double = try await bench.value(
                "SELECT extract(epoch FROM run_at - \(Self.start)::timestamptz)::float8 FROM jobs WHERE id = \(id)")
            try differ(true, (Double(model.now)...Double(model.now + 5)).contains(later), "the wait of a rescued job")
            model.change(id) { $0.runAt = Int(later.rounded(.up)) }
        }
        let adopted = try await bench.sql("SELECT id, ending FROM adopt_jobs(\(rescuer), ARRAY['work'], 1000)").map {
            try $0.decode(JobID.self, String.self)
        }
        try differ(
            model.adopt(by: rescuer), Dictionary(adopted, uniquingKeysWith: { first, _ in first }),
            "adopted by worker \(rescuer)")
        for (id, ending) in adopted { remember(id, ending: ending) }
        return "rescue \(expected), adopt \(adopted) by worker \(rescuer)"
    }

    private mutating func remember(_ id: JobID, ending: String? = nil) {
        guard let job = model.job(id), let worker = job.worker, let claims = job.claims else { return }
        leases.append((id, worker, claims, ending))
    }
}

// MARK: Dice

extension History {
    private mutating func int(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }

    private mutating func anyJob() -> JobID { JobID.random(in: 1...max(1, model.lastID), using: &random) }

    private mutating func pick<Value>(_ values: [Value]) -> Value { values[int(0..<values.count)] }

    /// The jobs that the model does not know yet.
    private func newJobs() async throws -> [JobID] {
        try await bench.column("SELECT id FROM jobs WHERE id > \(model.lastID) ORDER BY id")
    }

    private func unlessRefused<Result>(_ body: () async throws -> Result) async throws -> Result? {
        do {
            return try await body()
        } catch let error as PostgresError where error.sqlState == "22023" {
            return nil
        }
    }
}
