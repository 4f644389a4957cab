import Jobs
import Platform
import Postgres
import Testing

@Suite("Sealed jobs", .timeLimit(.minutes(2)))
struct SealingTests {
    private func registry(_ seen: Journal<String> = Journal()) -> JobRegistry {
        var registry = JobRegistry()
        registry.register(Confidential.self) { job, _ in
            seen.record(job.name)
            return .completed(["said": .string(job.name)])
        }
        return registry
    }

    @Test("However a job is enqueued, its handler sees what it carries, and the database never does")
    func everyWay() async throws {
        try await JobBench.with { bench in
            let queue = try bench.queue(keys: "a")
            let seen = Journal<String>()
            var registry = registry(seen)
            registry.every(.milliseconds(1), name: "often", Confidential())
            var many = JobOptions()
            many.maximumAttempts = 2
            var looked = JobOptions()
            looked.startWithin = .seconds(60)
            try await queue.enqueue(Confidential())
            _ = try await bench.client.withTransaction { try await queue.enqueue(Confidential(), in: $0) }
            try await queue.enqueue(all: [Confidential(), Confidential()], many)
            try await queue.enqueue(all: [Confidential()], looked)
            try await queue.closeBatch(try await queue.createBatch(then: Confidential()))
            #expect(try await bench.value("SELECT count(*) FROM jobs WHERE arguments ? 'sealed'", Int.self) == 6)
            #expect(try await !bench.allRows().contains(Confidential.secret))
            try await queue.drain(with: registry)
            #expect(seen.entries == Array(repeating: Confidential.secret, count: 6))
            try await bench.withWorkers(registry, on: queue) { await seen.wait(forCount: 7) }
            #expect(try await !bench.allRows().contains(Confidential.secret))
            #expect(Set(seen.entries) == [Confidential.secret])
        }
    }

    @Test("A result is sealed, whoever ends the job; who waits for it gets what the handler returned")
    func results() async throws {
        try await JobBench.with { bench in
            let queue = try bench.queue(keys: "a")
            var registry = registry()
            let answer: JSON = ["said": .string(Confidential.secret)]
            registry.use { context, next in
                switch context.id % 3 {
                case 0:
                    try await context.complete(answer, with: [], on: bench.client)
                    return .completedInTransaction
                case 1:
                    try await bench.client.withTransaction { try await context.complete(answer, in: $0) }
                    return .completedInTransaction
                default: return try await next()
                }
            }
            var ids: [JobID] = []
            for _ in 0..<3 { ids.append(try await queue.enqueue(Confidential())) }
            try await queue.drain(with: registry, throwingAtFirstFailure: true)
            #expect(try await bench.value("SELECT bool_and(result ? 'sealed') FROM finished_jobs"))
            #expect(try await !bench.allRows().contains(Confidential.secret))
            let listening = Task { try await queue.run() }
            for id in ids { #expect(try await queue.result(of: id, within: .seconds(20))?.result == answer) }
            listening.cancel()
            // Without the key it is as it stands there.
            #expect(try await bench.end(of: ids[0]).result?["sealed"]?["key"] == "a")
        }
    }

    @Test("The results of a batch are opened for who has the key")
    func batchResults() async throws {
        try await JobBench.with { bench in
            let queue = try bench.queue(keys: "a")
            let batch = try await queue.createBatch(then: Work())
            var options = JobOptions()
            options.batch = batch
            try await queue.enqueue(Confidential(), options)
            try await queue.drain(with: registry())
            let results = try await queue.batchResults(of: batch)
            #expect(results.map(\.result) == [["said": .string(Confidential.secret)]])
        }
    }

    @Test("The first key seals, all open: keys rotate while jobs wait")
    func rotation() async throws {
        try await JobBench.with { bench in
            try await bench.queue(keys: "old").enqueue(Confidential())
            try await bench.queue(keys: "new", "old").enqueue(Confidential())
            let names: [String] = try await bench.column("SELECT arguments #>> '{sealed,key}' FROM jobs ORDER BY id")
            #expect(names == ["old", "new"])
            let report = try await bench.queue(keys: "new", "old").drain(with: registry())
            #expect(report.counts == [.completed: 2])
        }
    }

    @Test("The same arguments are never sealed alike")
    func nonces() async throws {
        try await JobBench.with { bench in
            try await bench.queue(keys: "a").enqueue(all: Array(repeating: Confidential(), count: 100))
            #expect(
                try await bench.value("SELECT count(DISTINCT arguments #>> '{sealed,data}') FROM jobs", Int.self) == 100
            )
            #expect(
                try await bench.value("SELECT count(DISTINCT arguments #>> '{sealed,nonce}') FROM jobs", Int.self)
                    == 100)
        }
    }

    @Test(
        "A kind that is always sealed is not enqueued without a key; one that is when it can be, is enqueued as it is")
    func withoutKey() async throws {
        struct Careful: Job {
            static let kind = "careful"
            static let sealing = Sealing.whenKeyed
            var name = "plain"
        }
        try await JobBench.with { bench in
            await #expect(throws: SealingError.noKey(kind: Confidential.kind)) {
                try await bench.queue.enqueue(Confidential())
            }
            await #expect(throws: SealingError.noKey(kind: Confidential.kind)) {
                try await bench.queue.enqueue(all: [Confidential()])
            }
            #expect(try await bench.allRows() == "")
            var registry = JobRegistry()
            registry.register(Careful.self) { job, _ in .completed(.string(job.name)) }
            try await bench.queue.enqueue(Careful())
            try await bench.queue(keys: "a").enqueue(Careful())
            #expect(try await bench.column("SELECT arguments ? 'sealed' FROM jobs ORDER BY id") == [false, true])
            // A worker that has the key runs both: what was enqueued before there were keys, too.
            #expect(try await bench.queue(keys: "a").drain(with: registry).counts == [.completed: 2])
        }
    }

    @Test("A cron schedule does not show what its kind keeps sealed: it is refused")
    func schedule() async throws {
        try await JobBench.with { bench in
            var registry = registry()
            registry.cron("* * * * *", name: "secret", Confidential())
            registry.cron("* * * * *", name: "open", Work())
            try await bench.withWorkers(registry, on: try bench.queue(keys: "a")) {
                try await bench.until("SELECT EXISTS (SELECT FROM schedules WHERE name = 'open')")
            }
            #expect(try await bench.column("SELECT name FROM schedules") == ["open"])
        }
    }
}
