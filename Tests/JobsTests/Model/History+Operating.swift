import Jobs
import Platform
import Postgres

/// Queues, limits, schedules and the clock.
extension History {
    mutating func pauseOrResume() async throws -> String {
        let queue = pick(Self.queues)
        if model.paused.remove(queue) != nil {
            try await bench.queue.resume(queue: queue)
            return "resume \(queue)"
        }
        model.paused.insert(queue)
        try await bench.queue.pause(queue: queue)
        return "pause \(queue)"
    }

    mutating func setLimit(_ name: String) async throws -> String {
        // What computers add without error: halves.
        let slots = name == "c" ? nil : int(1..<3)
        let (perSecond, burst) = (name == "a" ? nil : pick([0.5, 1]), int(1..<3))
        try await bench.queue.setLimit(name, slots: slots, perSecond: perSecond, burst: burst)
        model.setLimit(name, slots: slots, perSecond: perSecond, burst: burst)
        return "limit \(name): \(slots ?? -1) slots, \(perSecond ?? -1) a second, burst \(burst)"
    }

    mutating func release() async throws -> String {
        try await bench.queue.releaseSlots(of: "call")
        model.release("call")
        return "release slots of call"
    }

    mutating func advance() async throws -> String {
        model.now += pick([1, 10, 100, 400, 400])
        try await clock.set(Self.start, plus: .seconds(model.now))
        _ = try await bench.sql("SELECT promote_jobs(\(Self.queues), 1000)")
        model.promote()
        return "the clock shows \(model.now) s"
    }

    mutating func schedule() async throws -> String {
        let name = "tick"
        guard let schedule = model.schedule else {
            try await bench.sql("SELECT set_schedule(\(name), '*/5 * * * *', 'work')")
            var schedule = QueueModel.Schedule(interval: 300, next: 0)
            schedule.next = model.nextTick(schedule)
            model.schedule = schedule
            return "set schedule"
        }
        if int(0..<(schedule.isPaused ? 2 : 8)) == 0 {
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
