import FoundationEssentials
import Jobs
import Postgres

/// What launchers and operators do.
extension History {
    mutating func enqueue() async throws -> String {
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
        if int(0..<2) == 0 { entry.limits = pick([["a"], ["b"], ["a", "b"], ["a", "c"], ["c"]]) }
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
        (options.queue, options.priority, options.maximumAttempts) = (
            entry.queue, entry.priority, entry.maximumAttempts
        )
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

    mutating func enqueueAll() async throws -> String {
        let (count, queue) = (int(1..<4), pick(Self.queues))
        var options = JobOptions()
        options.queue = queue
        try await bench.queue.enqueue(all: (0..<count).map { Work(name: "\($0)") }, options)
        let ids = try await newJobs()
        try differ(count, ids.count, "jobs of a bulk enqueue")
        for id in ids { model.enqueue(QueueModel.Entry(id: id, queue: queue)) }
        return "enqueue all \(ids)"
    }

    mutating func batch() async throws -> String {
        let runs = pick([true, false])
        let options = JobOptions.with { ($0.runsAfterFailure, $0.queue) = (runs, "default") }
        let id = try await bench.queue.createBatch(then: Work(), options)
        var entry = QueueModel.Entry(id: id, priority: options.priority, maximumAttempts: options.maximumAttempts)
        entry.state = "waiting"
        model.jobs.append(entry)
        model.batches[id] = QueueModel.Batch(runsAfterFailure: runs)
        return "batch \(id), runs after failure: \(runs)"
    }

    mutating func closeBatch() async throws -> String {
        guard let id = model.batches.keys.sorted().randomElement(using: &random) else { return "no batch to close" }
        try differ(model.closeBatch(id) ?? -1, try await bench.queue.closeBatch(id), "size of the batch")
        return "close batch \(id)"
    }

    mutating func cancel() async throws -> String {
        let id = anyJob()
        try differ(model.cancel(id), try await bench.queue.cancel(id), "cancel \(id)")
        return "cancel \(id)"
    }

    mutating func wake() async throws -> String {
        let id = anyJob()
        try differ(model.wake(id), try await bench.value("SELECT wake_job(\(id))", Bool.self), "wake \(id)")
        return "wake \(id)"
    }

    mutating func retryOrDiscard() async throws -> String {
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

    mutating func bulk() async throws -> String {
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
}
