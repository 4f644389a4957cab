import Jobs

/// What a claim may take. Which of the jobs with limits come first is decided lane by lane, a lane being the jobs of a queue
/// with the same limits; everything else follows from slots, tokens, priorities and ids.
extension QueueModel {
    struct Limit {
        var slots: Int?
        var perSecond: Double?
        var burst: Int
        var holders: Set<String> = []
        var tokens: Double
        /// Full when it is made.
        var filledAt = -1_000_000

        func tokens(at now: Int) -> Double {
            min(Double(burst), perSecond.map { tokens + $0 * Double(now - filledAt) } ?? .infinity)
        }

        func room(at now: Int) -> Int {
            max(0, min(slots.map { $0 - holders.count } ?? .max, perSecond == nil ? .max : Int(tokens(at: now))))
        }
    }

    /// What a worker may claim of a queue, all of it at once: ids sorted. Changes the jobs accordingly.
    mutating func claim(_ worker: Int64, _ queue: String, _ count: Int) -> [JobID] {
        guard workers.contains(worker), !paused.contains(queue) else { return [] }
        var taken: [JobID] = []
        let waiting = inOrder("limited", queue)
        var room = limits.mapValues { $0.room(at: now) }
        // A lane without room is looked into only if somebody in it held a slot before: who gains one in this claim goes on in such
        // a lane with the next.
        let heldLanes = Set(waiting.filter { !held(by: $0).isEmpty }.map(\.limits))
        let lanes = unique(waiting.map(\.limits)).filter { names in
            heldLanes.contains(names) || names.allSatisfy { (room[$0] ?? 0) > 0 }
        }
        for names in lanes {
            let lane = waiting.filter { $0.limits == names && !isLate($0) }
            // Whose holder has a slot already needs only the others.
            let guests = lane.filter { !held(by: $0).isEmpty }
            for job in guests where taken.count < count && take(job, all: false, &room) { taken.append(job.id) }
            for job in lane where taken.count < count && !guests.contains(where: { $0.id == job.id }) {
                guard take(job, all: true, &room) else { break }
                taken.append(job.id)
            }
        }
        for job in inOrder("available", queue) where taken.count < count && !isLate(job) { taken.append(job.id) }
        for id in taken {
            change(id) { job in
                (job.state, job.worker, job.isWoken) = ("running", worker, false)
                job.attempt += 1
                job.claims = job.claims.map { $0 + 1 }
            }
        }
        return taken.sorted()
    }

    private func inOrder(_ state: String, _ queue: String) -> [Entry] {
        jobs.filter { $0.queue == queue && $0.state == state }.sorted { ($0.priority, $0.id) < ($1.priority, $1.id) }
    }

    private func unique(_ lanes: [[String]]) -> [[String]] {
        lanes.reduce(into: []) { found, names in if !found.contains(names) { found.append(names) } }
    }

    private func held(by job: Entry) -> [String] {
        job.holder == nil
            ? []
            : job.limits.filter { limits[$0]?.slots != nil && limits[$0]?.holders.contains(job.slotHolder) == true }
    }

    /// False, and nothing is taken, when there is no room.
    private mutating func take(_ job: Entry, all: Bool, _ room: inout [String: Int]) -> Bool {
        let held = held(by: job)
        let needed = all ? job.limits : job.limits.filter { limits[$0]?.slots != nil && !held.contains($0) }
        guard needed.allSatisfy({ (room[$0] ?? 0) > 0 }) else { return false }
        for name in needed {
            room[name]? -= 1
            guard var limit = limits[name] else { continue }
            if limit.slots != nil { limit.holders.insert(job.slotHolder) }
            if limit.perSecond != nil { (limit.tokens, limit.filledAt) = (limit.tokens(at: now) - 1, now) }
            limits[name] = limit
        }
        return true
    }

    func hasItsSlots(_ job: Entry) -> Bool {
        let counted = job.limits.filter { limits[$0]?.slots != nil }
        return !counted.isEmpty && counted.allSatisfy { limits[$0]?.holders.contains(job.slotHolder) == true }
    }

    mutating func setLimit(_ name: String, slots: Int?, perSecond: Double?, burst: Int) {
        var limit = limits[name] ?? Limit(burst: burst, tokens: Double(burst))
        (limit.slots, limit.perSecond, limit.burst) = (slots, perSecond, burst)
        limits[name] = limit
    }

    mutating func release(_ holder: String) {
        var isFreed = false
        for name in limits.keys where limits[name]?.holders.remove(holder) != nil { isFreed = true }
        guard isFreed else { return }
        for job in jobs where job.holder == holder && job.state == "available" && !job.limits.isEmpty {
            change(job.id) { $0.state = "limited" }
        }
    }
}

extension QueueModel {
    /// Every so many seconds, from the beginning of time.
    struct Schedule {
        let interval: Int
        var next: Int
        var isPaused = false
        var ticks: [Int: JobID?] = [:]
    }

    static let scheduleKey = "schedule:tick"

    func nextTick(_ schedule: Schedule) -> Int { (now / schedule.interval + 1) * schedule.interval }

    /// The tick that is due, and whether it has a job of its own. To be followed by `ticked`.
    func dueTick() -> (tick: Int, hasJob: Bool)? {
        guard let schedule, !schedule.isPaused, schedule.next <= now else { return nil }
        return (
            now / schedule.interval * schedule.interval, answer(unique: Self.scheduleKey, isHeldForTime: false) == nil
        )
    }

    mutating func ticked(_ tick: Int, _ job: JobID?) {
        guard var schedule else { return }
        schedule.ticks[tick] = .some(job)
        schedule.next = nextTick(schedule)
        self.schedule = schedule
        if let job { enqueue(Entry(id: job, unique: Self.scheduleKey)) }
    }
}
