import FoundationEssentials
import Jobs
import Platform
import Postgres
import Testing

@Suite("Random histories", .timeLimit(.minutes(3)))
struct ModelTests {
    @Test("Whatever happens in whatever order, the tables are what a simple model says", arguments: 1...12)
    func history(seed: Int) async throws {
        try await JobBench.with { bench in
            var history = History(bench: bench, random: SeededGenerator(seed: UInt64(seed)))
            for _ in 0..<2 { try await history.registerWorker() }
            for step in 0..<150 {
                let what = try await history.step()
                try await history.compare("seed \(seed), step \(step): \(what)")
            }
        }
    }
}

/// One random command after the other, to the database and to the model.
private struct History {
    let bench: JobBench
    var random: SeededGenerator
    var model = QueueModel()
    /// Every lease there ever was: the stale ones are tried again.
    var leases: [(id: JobID, worker: Int64, claims: Int)] = []
    var everyWorker: [Int64] = []

    init(bench: JobBench, random: SeededGenerator) {
        self.bench = bench
        self.random = random
    }

    mutating func step() async throws -> String {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<30: return try await enqueue()
        case 30..<55: return try await claim()
        case 55..<80: return try await settle()
        case 80..<85: return try await cancel()
        case 85..<90: return try await wake()
        case 90..<94: return try await killWorker()
        case 94..<98: return try await rescue()
        default:
            try await registerWorker()
            return "register"
        }
    }

    mutating func registerWorker() async throws {
        let worker = try await bench.registerWorker()
        model.workers.insert(worker)
        everyWorker.append(worker)
    }

    private mutating func enqueue() async throws -> String {
        let key = pick([nil, nil, "a", "b"])
        let unique = pick([nil, nil, nil, "x", "y"])
        let isForLater = Int.random(in: 0..<6, using: &random) == 0
        let options = JobOptions.with {
            $0.key = key
            $0.uniqueKey = unique
            $0.priority = Int.random(in: 1...3, using: &random)
            $0.maximumAttempts = Int.random(in: 1...4, using: &random)
            $0.runAt = isForLater ? .distantFuture : nil
        }
        let id = try await bench.queue.enqueue(Work(), options)
        if let holder = model.holder(of: unique) {
            #expect(id == holder)
            return "enqueue again \(id)"
        }
        let claims: Int = try await bench.value("SELECT claims FROM jobs WHERE id = \(id)")
        model.enqueue(
            QueueModel.Entry(
                id: id, key: key, unique: unique, priority: options.priority, maximumAttempts: options.maximumAttempts,
                state: isForLater ? "scheduled" : "available", isForLater: isForLater,
                claims: claims))
        return "enqueue \(id)"
    }

    private mutating func claim() async throws -> String {
        let worker = pick(everyWorker)
        let count = Int.random(in: 1...4, using: &random)
        let claimed: [JobID] = try await bench.column(
            "SELECT id FROM claim_jobs(\(worker), 'default', ARRAY['work'], \(Int32(count)))")
        #expect(claimed == model.claim(worker, count))
        for id in claimed { remember(id) }
        return "claim \(claimed) by \(worker)"
    }

    private mutating func settle() async throws -> String {
        guard let lease = leases.randomElement(using: &random) else { return "nothing to settle" }
        let outcome = pick(["completed", "completed", "failed", "cancelled", "retry", "snooze", "release"])
        let isLater = Bool.random(using: &random)
        let stale: [JobID] = try await bench.value(
            """
            SELECT stale FROM settle_jobs(\(lease.worker), ARRAY[\(lease.id)], ARRAY[\(Int32(lease.claims))],
                ARRAY[\(outcome)], ARRAY[''], ARRAY[''], ARRAY[\(isLater ? 3600.0 : 0.0)], true)
            """)
        let isGood = model.settle(lease.id, lease.worker, lease.claims, outcome, isLater: isLater)
        #expect(stale == (isGood ? [] : [lease.id]))
        return "settle \(lease) as \(outcome)"
    }

    private mutating func cancel() async throws -> String {
        let id = anyJob()
        #expect(try await bench.queue.cancel(id) == model.cancel(id))
        return "cancel \(id)"
    }

    private mutating func wake() async throws -> String {
        let id = anyJob()
        #expect(try await bench.value("SELECT wake_job(\(id))", Bool.self) == model.wake(id))
        return "wake \(id)"
    }

    private mutating func killWorker() async throws -> String {
        let worker = pick(everyWorker)
        try await bench.sql("DELETE FROM workers WHERE id = \(worker)")
        model.workers.remove(worker)
        if model.workers.isEmpty { try await registerWorker() }
        return "kill \(worker)"
    }

    private mutating func rescue() async throws -> String {
        let rescuer = pick(everyWorker)
        let rescued: Int = try await bench.value("SELECT rescued FROM rescue_jobs(1000)")
        let adopted: [JobID] = try await bench.column("SELECT id FROM adopt_jobs(\(rescuer), ARRAY['work'], 1000)")
        let expected = model.rescue(by: rescuer)
        #expect(rescued == expected.rescued)
        #expect(adopted.sorted() == expected.adopted.sorted())
        for id in adopted { remember(id) }
        return "rescue by \(rescuer)"
    }

    /// Everything that can be seen.
    func compare(_ what: String) async throws {
        let rows = try await bench.sql(
            """
            SELECT id, state::text, attempt, claims, rescues, worker, woken, cancel_requested FROM jobs ORDER BY id
            """)
        let found = try rows.map { row in
            let (id, state, attempt, claims, rescues, worker, woken, cancelled) = try row.decode(
                Int64.self, String.self, Int.self, Int.self, Int.self, Int64?.self, Bool.self, Bool.self)
            return "\(id) \(state) \(attempt) \(claims) \(rescues) \(worker ?? 0) \(woken) \(cancelled)"
        }
        let expected = model.jobs.map { job in
            "\(job.id) \(job.state) \(job.attempt) \(job.claims) \(job.rescues) \(job.worker ?? 0) \(job.isWoken) "
                + "\(job.isCancelled)"
        }
        try #require(found == expected, "\(what)")
        let ended = try await bench.sql("SELECT id, state::text FROM finished_jobs").map { row in
            try row.decode(Int64.self, String.self)
        }
        try #require(ended.count == model.finished.count, "\(what)")
        try #require(ended.allSatisfy { model.finished[$0.0] == $0.1 }, "\(what)")
        let keys = Set(model.jobs.compactMap(\.key)).count
        try #require(await bench.value("SELECT count(*) FROM job_keys", Int.self) == keys, "\(what)")
    }

    private mutating func remember(_ id: JobID) {
        guard let job = model.jobs.first(where: { $0.id == id }), let worker = job.worker else { return }
        leases.append((id, worker, job.claims))
    }

    private mutating func anyJob() -> JobID {
        JobID.random(in: 1...max(1, model.jobs.last?.id ?? 1), using: &random)
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }
}
