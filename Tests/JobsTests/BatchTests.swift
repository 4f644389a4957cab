import FoundationEssentials
import Jobs
import Platform
import Postgres
import Testing

@Suite("Batches", .timeLimit(.minutes(2)))
struct BatchTests {
    private func registry(_ bench: JobBench) -> JobRegistry {
        var registry = JobRegistry()
        registry.register(Work.self, retry: .atOnce) { work, _ in
            work.name == "bad" ? .failed(reason: "no use") : .completed(.string(work.name))
        }
        registry.register(Other.self) { _, context in
            var sum = 0
            var after: JobID = 0
            while true {
                let page = try await bench.queue.batchResults(of: context.id, after: after, atMost: 7)
                guard let last = page.last else { return .completed(.integer(Int64(sum))) }
                sum += page.count { $0.state == .completed && $0.result != nil }
                after = last.id
            }
        }
        return registry
    }

    private func members(of batch: JobID) -> JobOptions { .with { $0.batch = batch } }

    @Test("A batch's job starts when all have ended and it is closed, with the results at hand, page by page")
    func results() async throws {
        try await JobBench.with { bench in
            let batch = try await bench.queue.createBatch(then: Other(), .with { $0.isAwaited = true })
            try await bench.withWorkers(registry(bench)) {
                for number in 0..<20 { try await bench.queue.enqueue(Work(name: "\(number)"), members(of: batch)) }
                try await bench.until("SELECT count(*) = 20 FROM finished_jobs")
                #expect(try await bench.states() == ["waiting"], "it may still get more")
                #expect(try await bench.queue.closeBatch(batch) == 20)
                #expect(try await bench.end(of: batch).result == .integer(20))
                #expect(try await bench.queue.closeBatch(batch) == 20)
            }
        }
    }

    @Test("100,000 members by COPY, ended by two workers at once: its job may start only after the last of them")
    func large() async throws {
        try await JobBench.with { bench in
            let batch = try await bench.queue.createBatch(then: Other())
            try await bench.queue.enqueue(all: (0..<100_000).map { Work(name: "\($0)") }, members(of: batch))
            #expect(try await bench.queue.closeBatch(batch) == 100_000)
            async let first: Void = endAll(bench)
            async let second: Void = endAll(bench)
            _ = try await (first, second)
            let (completed, unsuccessful) = try #require(
                await bench.sql("SELECT completed, unsuccessful FROM job_batches WHERE id = \(batch)").first
            ).decode(Int.self, Int.self)
            #expect(completed == 100_000)
            #expect(unsuccessful == 0)
            let left = try await bench.states()
            #expect(left == ["available"])
        }
    }

    /// As a worker that does nothing with its jobs. Fails when the batch's job could start while there are others.
    private func endAll(_ bench: JobBench) async throws {
        let worker = try await bench.registerWorker()
        while true {
            let claimed = try await bench.sql(
                """
                WITH mine AS (SELECT id, claims FROM claim_jobs(\(worker), 'default', ARRAY['work'], 500))
                SELECT array_agg(id), array_agg(claims) FROM mine
                """)
            let (ids, fences) = try #require(claimed.first).decode([Int64]?.self, [Int32]?.self)
            guard let ids, let fences else { return }
            #expect(try await bench.value("SELECT state = 'waiting' FROM jobs WHERE kind = 'other'", Bool.self))
            let stale: [Int64] = try await bench.value("SELECT complete_jobs(\(worker), \(ids), \(fences))")
            #expect(stale == [])
        }
    }

    @Test("When one did not complete, the batch's job is cancelled, or runs all the same if it is meant to")
    func failure() async throws {
        try await JobBench.with { bench in
            try await bench.withWorkers(registry(bench)) {
                for anyway in [false, true] {
                    let batch = try await bench.queue.createBatch(
                        then: Other(), .with { ($0.isAwaited, $0.runsAfterFailure) = (true, anyway) })
                    for name in ["a", "bad", "b"] {
                        try await bench.queue.enqueue(Work(name: name), members(of: batch))
                    }
                    try await bench.queue.closeBatch(batch)
                    let end = try await bench.end(of: batch)
                    #expect(end.state == (anyway ? .completed : .cancelled))
                    #expect(end.result == (anyway ? 2 : nil))
                    #expect(end.error == (anyway ? nil : "1 of the 3 jobs of its batch did not complete"))
                }
            }
        }
    }

    @Test("An empty batch starts its job at once; a closed one takes nothing more; a repeated one is the same")
    func edges() async throws {
        try await JobBench.with { bench in
            let options = JobOptions.with { $0.uniqueKey = "only" }
            let batch = try await bench.queue.createBatch(then: Other(), options)
            #expect(try await bench.queue.createBatch(then: Other(), options) == batch)
            #expect(try await bench.queue.closeBatch(batch) == 0)
            #expect(try await bench.states() == ["available"])
            for enqueue in [
                { try await bench.queue.enqueue(Work(), members(of: batch)) },
                { try await bench.queue.enqueue(all: [Work()], members(of: batch)) },
            ] as [@Sendable () async throws -> Any] {
                let error = await #expect(throws: PostgresError.self) { _ = try await enqueue() }
                #expect(error?.sqlState == "22023")
            }
        }
    }

    @Test("Who adds to a batch keeps it open until the transaction ends")
    func race() async throws {
        try await JobBench.with { bench in
            let batch = try await bench.queue.createBatch(then: Other())
            let closing = try await bench.client.withTransaction { connection in
                try await bench.queue.enqueue(Work(), members(of: batch), in: connection)
                let closing = Task { try await bench.queue.closeBatch(batch) }
                // It waits for us, as its lock shows.
                try await bench.until("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
                try await bench.queue.enqueue(Work(), members(of: batch), in: connection)
                return closing
            }
            #expect(try await closing.value == 2)
        }
    }
}
