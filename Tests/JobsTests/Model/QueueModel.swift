import Jobs

/// What the queue should do, written as plainly as possible: a list of jobs, and seconds on a clock that is set by hand.
struct QueueModel {
    struct Entry {
        var id: JobID = 0
        var queue = "default"
        var key: String?
        var unique: String?
        var priority = 100
        var maximumAttempts = 10
        var state = "available"
        var runAt = 0
        var startBy: Int?
        var runsAfterFailure = false
        var batch: JobID?
        var limits: [String] = []
        var holder: String?
        /// Starts anywhere: nil until it is read.
        var claims: Int?
        var attempt = 0
        var rescues = 0
        var worker: Int64?
        var isWoken = false
        var isCancelled = false
        /// In what its slots are called.
        var slotHolder: String { holder ?? "job:\(id)" }
    }

    struct Ended {
        let job: Entry
        var state: String
        var retriedAs: JobID?
        var isDiscarded = false
    }

    struct Batch {
        let runsAfterFailure: Bool
        var size: Int?
        var completed = 0
        var unsuccessful = 0
        var isOver: Bool { size == completed + unsuccessful }
    }

    var now = 0
    /// In the order of their ids.
    var jobs: [Entry] = []
    /// In the order of their ends.
    var ended: [Ended] = []
    var workers: Set<Int64> = []
    var paused: Set<String> = []
    /// Which job waits for which others.
    var dependencies: [JobID: Set<JobID>] = [:]
    var batches: [JobID: Batch] = [:]
    var periods: [String: (job: JobID, until: Int)] = [:]
    var limits: [String: Limit] = [:]
    var schedule: Schedule?

    func job(_ id: JobID) -> Entry? { jobs.first { $0.id == id } }
    func end(of id: JobID) -> Ended? { ended.first { $0.job.id == id } }
    var lastID: JobID { max(jobs.last?.id ?? 0, ended.map(\.job.id).max() ?? 0) }

    mutating func change(_ id: JobID, _ body: (inout Entry) -> Void) {
        if let index = jobs.firstIndex(where: { $0.id == id }) { body(&jobs[index]) }
    }

    // MARK: Enqueue

    /// The id of the job that an enqueue gets to see instead of a new one.
    func answer(unique: String?, isHeldForTime: Bool) -> JobID? {
        guard let unique else { return nil }
        if isHeldForTime, let period = periods[unique], period.until > now { return period.job }
        return jobs.first { $0.unique == unique }?.id
    }

    mutating func hold(_ unique: String?, by job: JobID, for seconds: Int?) {
        guard let unique, let seconds, (periods[unique]?.until ?? now) <= now else { return }
        periods[unique] = (job, now + seconds)
    }

    mutating func enqueue(_ entry: Entry, after dependsOn: Set<JobID> = []) {
        var entry = entry
        entry.runAt = max(entry.runAt, now)
        entry.state = firstState(entry)
        if let key = entry.key, jobs.contains(where: { $0.key == key }) { entry.state = "blocked" }
        if !dependsOn.isEmpty { entry.state = "waiting" }
        jobs.append(entry)
        let alive = dependsOn.filter { job($0) != nil }
        let isDoomed =
            !entry.runsAfterFailure && dependsOn.contains { end(of: $0).map { $0.state != "completed" } ?? false }
        if isDoomed {
            finish(entry.id, "cancelled")
        } else if !alive.isEmpty {
            dependencies[entry.id] = alive
        } else if !dependsOn.isEmpty {
            letGo(entry.id)
        }
    }

    /// What it is in when nothing but its time and its limits keep it waiting.
    private func firstState(_ job: Entry) -> String {
        job.runAt > now ? "scheduled" : readyState(job)
    }

    func readyState(_ job: Entry) -> String {
        job.limits.isEmpty || hasItsSlots(job) ? "available" : "limited"
    }

    mutating func letGo(_ id: JobID) {
        guard let job = job(id) else { return }
        let state = firstState(job)
        change(id) { $0.state = state }
    }

    // MARK: Time

    /// Makes available what is due.
    mutating func promote() {
        for job in jobs where job.state == "scheduled" && job.runAt <= now {
            let state = readyState(job)
            change(job.id) { $0.state = state }
        }
    }

    mutating func wake(_ id: JobID) -> Bool {
        guard let job = job(id) else { return false }
        if job.state == "running" {
            change(id) { $0.isWoken = true }
            return true
        }
        guard job.state == "scheduled" || job.state == "blocked" && job.runAt > now else { return false }
        let (now, state) = (now, job.state == "scheduled" ? readyState(job) : "blocked")
        change(id) { entry in
            entry.state = state
            entry.startBy = job.startBy.map { now + $0 - job.runAt }
            entry.runAt = now
        }
        return true
    }

    // MARK: Workers that die

    /// What `rescue_jobs` gives back.
    mutating func rescue() -> [JobID] {
        let rescued = orphans.filter { !isDoomed($0) }
        for job in rescued {
            let (now, state) = (now, job.rescues > 0 ? "scheduled" : job.holder == nil ? "available" : readyState(job))
            change(job.id) { entry in
                entry.worker = nil
                entry.state = state
                entry.rescues += 1
                (entry.runAt, entry.startBy, entry.isWoken) = (now, nil, false)
            }
        }
        return rescued.map(\.id)
    }

    /// What `adopt_jobs` hands over to be ended by this worker, and how.
    mutating func adopt(by worker: Int64) -> [JobID: String] {
        guard workers.contains(worker) else { return [:] }
        var endings: [JobID: String] = [:]
        for job in orphans where isDoomed(job) {
            endings[job.id] = job.isCancelled ? "cancelled" : job.attempt == 0 ? "expired" : "failed"
        }
        for job in jobs where job.state != "running" && isLate(job) { endings[job.id] = "expired" }
        for (id, ending) in endings {
            change(id) { job in
                (job.state, job.worker) = ("running", worker)
                job.claims = job.claims.map { $0 + 1 }
                if ending == "failed" { job.rescues += 1 }
            }
        }
        return endings
    }

    func isLate(_ job: Entry) -> Bool { job.startBy.map { $0 <= now } ?? false }

    private var orphans: [Entry] { jobs.filter { $0.worker.map { !workers.contains($0) } ?? false } }

    private func isDoomed(_ job: Entry) -> Bool {
        job.rescues >= 2 || job.attempt >= job.maximumAttempts || job.isCancelled || job.attempt == 0
    }
}
