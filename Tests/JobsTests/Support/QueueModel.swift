import Jobs

/// What the queue should do, written as plainly as possible: a list of jobs.
struct QueueModel {
    struct Entry: Equatable {
        let id: JobID
        let key: String?
        let unique: String?
        let priority: Int
        let maximumAttempts: Int
        var state: String
        var isForLater: Bool
        /// Starts anywhere.
        var claims: Int
        var attempt = 0
        var rescues = 0
        var worker: Int64?
        var isWoken = false
        var isCancelled = false
    }

    var jobs: [Entry] = []
    var finished: [JobID: String] = [:]
    var workers: Set<Int64> = []

    /// The id of the job that has this unique key.
    func holder(of unique: String?) -> JobID? { unique.flatMap { key in jobs.first { $0.unique == key }?.id } }

    mutating func enqueue(_ entry: Entry) {
        var entry = entry
        if let key = entry.key, jobs.contains(where: { $0.key == key }) { entry.state = "blocked" }
        jobs.append(entry)
    }

    mutating func claim(_ worker: Int64, _ count: Int) -> [JobID] {
        guard workers.contains(worker) else { return [] }
        let next = jobs.filter { $0.state == "available" }.sorted { ($0.priority, $0.id) < ($1.priority, $1.id) }
            .prefix(count).map(\.id)
        for id in next {
            change(id) { job in
                job.state = "running"
                job.worker = worker
                job.attempt += 1
                job.claims += 1
                job.isWoken = false
            }
        }
        return next
    }

    /// False when the lease is not good: then nothing changes.
    mutating func settle(_ id: JobID, _ worker: Int64, _ claims: Int, _ outcome: String, isLater: Bool) -> Bool {
        guard let job = jobs.first(where: { $0.id == id }), job.worker == worker, job.claims == claims else {
            return false
        }
        guard ["retry", "snooze", "release"].contains(outcome) else {
            finish(id, outcome)
            return true
        }
        if job.isCancelled {
            finish(id, "cancelled")
            return true
        }
        change(id) { job in
            job.worker = nil
            job.isForLater = isLater && !job.isWoken
            job.state = job.isForLater ? "scheduled" : "available"
            job.isWoken = false
            if outcome != "retry" { job.attempt -= 1 }
            if outcome != "release" { job.rescues = 0 }
        }
        return true
    }

    mutating func cancel(_ id: JobID) -> Bool {
        guard let job = jobs.first(where: { $0.id == id }) else { return false }
        if job.state == "running" { change(id) { $0.isCancelled = true } } else { finish(id, "cancelled") }
        return true
    }

    mutating func wake(_ id: JobID) -> Bool {
        guard let job = jobs.first(where: { $0.id == id }) else { return false }
        switch job.state {
        case "scheduled": change(id) { $0.state = "available" }
        case "running": change(id) { $0.isWoken = true }
        case "blocked" where job.isForLater: break
        default: return false
        }
        change(id) { $0.isForLater = false }
        return true
    }

    /// What `rescue_jobs` does, then `adopt_jobs` by this worker.
    mutating func rescue(by worker: Int64) -> (rescued: Int, adopted: [JobID]) {
        let orphans = jobs.filter { $0.worker.map { !workers.contains($0) } ?? false }
        let doomed = orphans.filter { $0.rescues >= 2 || $0.attempt >= $0.maximumAttempts || $0.isCancelled }.map(\.id)
        let rescued = orphans.map(\.id).filter { !doomed.contains($0) }
        for id in rescued {
            change(id) { job in
                job.worker = nil
                job.state = job.rescues == 0 ? "available" : "scheduled"
                job.rescues += 1
                job.isWoken = false
            }
        }
        guard workers.contains(worker) else { return (rescued.count, []) }
        for id in doomed {
            change(id) { job in
                job.worker = worker
                job.claims += 1
                if !job.isCancelled { job.rescues += 1 }
            }
        }
        return (rescued.count, doomed)
    }

    private mutating func finish(_ id: JobID, _ state: String) {
        guard let index = jobs.firstIndex(where: { $0.id == id }) else { return }
        let job = jobs.remove(at: index)
        finished[id] = state
        guard let key = job.key, let head = jobs.first(where: { $0.key == key }), head.state == "blocked" else {
            return
        }
        change(head.id) { $0.state = $0.isForLater ? "scheduled" : "available" }
    }

    private mutating func change(_ id: JobID, _ body: (inout Entry) -> Void) {
        if let index = jobs.firstIndex(where: { $0.id == id }) { body(&jobs[index]) }
    }
}
