import FoundationEssentials
import Jobs
import Platform
import Postgres

/// Does the operations of a storm, each until it is told what became of it, and writes down what it was told.
struct StormLauncher {
    let bench: JobBench
    /// By the number of the plan. Several numbers may share a job, by its unique key.
    private var ids: [Int: JobID] = [:]
    private var repeatable: [Int: (Planned, JobOptions)] = [:]
    private var jobs: [(id: JobID, number: Int, isShared: Bool)] = []
    private var chains: [(id: JobID, dependsOn: JobID, runsAnyway: Bool)] = []
    private var batches: [(id: JobID, member: JobID?, runsAnyway: Bool)] = []
    private var cancels: [(id: JobID, at: Date)] = []
    private var pauses: [(queue: String, from: Date, to: Date)] = []
    private var pausedAt: [String: Date] = [:]

    init(bench: JobBench) { self.bench = bench }

    mutating func perform(_ operation: Storm.Operation) async throws {
        switch operation {
        case .enqueue(let plan): try await enqueue(plan)
        case .enqueueAgain(let number):
            // There would be two with this number.
            guard let (job, options) = repeatable[number] else { return }
            _ = try await persist { try await bench.queue.enqueue(job, options) }
        case .enqueueAll(let plans): try await enqueueAll(plans)
        case .batch(let members, let last): try await batch(members, last)
        case .cancel(let number): try await cancel(number)
        case .wake(let number):
            guard let id = ids[number] else { return }
            _ = try await persist { try await bench.value("SELECT wake_job(\(id))", Bool.self) }
        case .retry(let number):
            guard let id = ids[number] else { return }
            if let again = try await unlessRefused({ try await bench.queue.retry(id) }), again != id {
                jobs.append((again, number, true))
            }
        case .discard(let number):
            guard let id = ids[number] else { return }
            _ = try await unlessRefused { try await bench.queue.discard(id) }
        case .retryFailed: _ = try await persist { try await bench.queue.retryFailed() }
        case .discardFailed: _ = try await persist { try await bench.queue.discardFailed() }
        case .pause(let queue): try await pause(queue)
        case .resume(let queue): try await resume(queue)
        case .release(let holder): try await persist { try await bench.queue.releaseSlots(of: holder) }
        }
    }

    /// Lets go of all that would keep a job waiting.
    mutating func calm() async throws {
        for queue in pausedAt.keys.sorted() { try await resume(queue) }
        for holder in Storm.holders { try await persist { try await bench.queue.releaseSlots(of: holder) } }
    }

    /// Puts what it was told into the tables of the storm.
    func report() async throws {
        try await bench.sql(
            """
            INSERT INTO told_jobs SELECT * FROM unnest(\(jobs.map(\.id)), \(jobs.map { Int64($0.number) }),
                \(jobs.map(\.isShared)))
            """)
        try await bench.sql(
            """
            INSERT INTO told_chains SELECT * FROM unnest(\(chains.map(\.id)), \(chains.map(\.dependsOn)),
                \(chains.map(\.runsAnyway)))
            """)
        for batch in batches {
            try await bench.sql("INSERT INTO told_batches VALUES (\(batch.id), \(batch.member), \(batch.runsAnyway))")
        }
        for cancel in cancels { try await bench.sql("INSERT INTO told_cancels VALUES (\(cancel.id), \(cancel.at))") }
        for pause in pauses {
            try await bench.sql("INSERT INTO told_pauses VALUES (\(pause.queue), \(pause.from), \(pause.to))")
        }
    }

    // MARK: Operations

    private mutating func enqueue(_ plan: Storm.Plan) async throws {
        let options = options(plan)
        let id = try await once(plan.number, isRepeatable: options.uniqueFor != nil) {
            try await bench.queue.enqueue(Planned(plan), options)
        }
        guard let id else { return }
        if options.uniqueFor != nil { repeatable[plan.number] = (Planned(plan), options) }
        let holder: Int = try await persist {
            try await bench.value(
                """
                SELECT (arguments ->> 'number')::bigint FROM (SELECT id, arguments FROM jobs
                    UNION ALL SELECT id, arguments FROM finished_jobs) AS everything WHERE id = \(id)
                """)
        }
        let isShared = holder != plan.number
        remember(id, plan.number, isShared: isShared)
        guard !isShared else { return }
        for other in options.dependsOn { chains.append((id, other, plan.runsAfterFailure)) }
    }

    private mutating func enqueueAll(_ plans: [Storm.Plan]) async throws {
        guard let first = plans.first else { return }
        var options = JobOptions()
        options.queue = first.queue
        options.maximumAttempts = 1000
        // Of these kinds of steps none needs fewer attempts.
        let work = plans.map { plan in
            var work = Planned(plan)
            if plan.maximumAttempts < 1000 { work.steps = ["complete"] }
            return work
        }
        try await allOrNone(first.number) { [options] in try await bench.queue.enqueue(all: work, options) }
        try await find(plans)
    }

    private mutating func batch(_ members: [Storm.Plan], _ last: Storm.Plan) async throws {
        var options = options(last)
        (options.uniqueKey, options.runsAfterFailure) = ("batch \(last.number)", last.runsAfterFailure)
        let id = try await persist { [options] in
            try await bench.queue.createBatch(then: Planned(last), options)
        }
        remember(id, last.number, isShared: false)
        let half = members.count / 2
        for part in [members[..<half], members[half...]] {
            guard let first = part.first else { continue }
            let work = part.map { (Planned($0), self.options($0, batch: id)) }
            try await allOrNone(first.number) { [bench] in
                try await bench.client.withTransaction { connection in
                    for (job, options) in work { try await bench.queue.enqueue(job, options, in: connection) }
                }
            }
        }
        try await find(members)
        try await persist { try await bench.queue.closeBatch(id) }
        if members.isEmpty { batches.append((id, nil, last.runsAfterFailure)) }
        for member in members { batches.append((id, ids[member.number], last.runsAfterFailure)) }
    }

    private mutating func cancel(_ number: Int) async throws {
        guard let id = ids[number] else { return }
        let isCancelled = try await persist { try await bench.queue.cancel(id) }
        cancels.append((id, isCancelled ? try await now() : .distantFuture))
    }

    private mutating func pause(_ queue: String) async throws {
        try await persist { try await bench.queue.pause(queue: queue) }
        if pausedAt[queue] == nil { pausedAt[queue] = try await now() }
    }

    private mutating func resume(_ queue: String) async throws {
        if let from = pausedAt.removeValue(forKey: queue) { pauses.append((queue, from, try await now())) }
        try await persist { try await bench.queue.resume(queue: queue) }
    }

    private func options(_ plan: Storm.Plan, batch: JobID? = nil) -> JobOptions {
        var options = JobOptions()
        (options.queue, options.priority, options.key) = (plan.queue, plan.priority, plan.key)
        (options.maximumAttempts, options.startWithin) = (plan.maximumAttempts, plan.startWithin)
        (options.limits, options.slotHolder, options.batch) = (plan.limits, plan.holder, batch)
        options.runAt = plan.delay.map { Date.now + $0.inSeconds }
        options.retry = plan.retryAfter.map { Backoff(base: $0, factor: 1, jitter: 0) }
        options.dependsOn = Set(plan.dependsOn.compactMap { ids[$0] }).sorted()
        options.runsAfterFailure = plan.runsAfterFailure && !options.dependsOn.isEmpty
        options.uniqueKey = plan.uniqueKey
        if plan.uniqueKey == nil, batch == nil, plan.number % 2 == 1 {
            // Safe to enqueue again, also when it has ended meanwhile.
            (options.uniqueKey, options.uniqueFor) = ("number \(plan.number)", .seconds(3600))
        }
        return options
    }

    private mutating func remember(_ id: JobID, _ number: Int, isShared: Bool) {
        ids[number] = id
        jobs.append((id, number, isShared))
    }

    private mutating func find(_ plans: [Storm.Plan]) async throws {
        for plan in plans {
            if let id = try await jobID(plan.number) { remember(id, plan.number, isShared: false) }
        }
    }

    // MARK: Until it is told

    private func now() async throws -> Date {
        try await persist { try await bench.value("SELECT clock_timestamp()") }
    }

    /// The first job with this number.
    private func jobID(_ number: Int) async throws -> JobID? {
        try await persist {
            try await bench.column(
                """
                SELECT id FROM (SELECT id, arguments FROM jobs UNION ALL SELECT id, arguments FROM finished_jobs) AS everything
                WHERE (arguments ->> 'number')::bigint = \(number) ORDER BY id LIMIT 1
                """, JobID.self
            ).first
        }
    }

    /// Nil when it was refused, as a member of a set may be whose job has just been undone.
    private func once(
        _ number: Int, isRepeatable: Bool, _ body: () async throws -> JobID
    ) async throws -> JobID? {
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.isTransient {
                try Task.checkCancellation()
                if !isRepeatable, let id = try await jobID(number) { return id }
            }
        }
    }

    private func allOrNone(_ first: Int, _ body: () async throws -> Void) async throws {
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.isTransient {
                try Task.checkCancellation()
                if try await jobID(first) != nil { return }
            }
        }
    }

    private func unlessRefused<Result>(
        _ body: () async throws -> Result
    ) async throws -> Result? {
        do {
            return try await persist(body)
        } catch let error as PostgresError where error.sqlState == "22023" {
            return nil
        }
    }

    @discardableResult
    private func persist<Result>(_ body: () async throws -> Result) async throws -> Result {
        while true {
            do {
                return try await body()
            } catch let error as PostgresError where error.isTransient {
                try Task.checkCancellation()
            }
        }
    }
}

/// The arguments of the jobs that `JobsTestWorker` runs for a storm.
struct Planned: Job {
    static let kind = "planned"
    var number: Int
    var steps: [String]
    var milliseconds: Int

    init(_ plan: Storm.Plan) { (number, steps, milliseconds) = (plan.number, plan.steps, plan.milliseconds) }
}
