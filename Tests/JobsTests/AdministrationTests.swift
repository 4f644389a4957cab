import FoundationEssentials
import Jobs
import Postgres
import Testing

@Suite("Administration in Swift", .timeLimit(.minutes(2)))
struct AdministrationTests {
    @Test("One job is retried or discarded, and a refusal says why")
    func one() async throws {
        try await JobBench.with { bench in
            let ids = try await bench.ended("failed", count: 2)
            let again = try await bench.queue.retry(ids[0])
            #expect(try await bench.column("SELECT id FROM jobs") == [again])
            #expect(try await bench.queue.discard(ids[1]))
            #expect(try await !bench.queue.discard(ids[1]))
            let refusal = await #expect(throws: PostgresError.self) { try await bench.queue.discard(ids[0]) }
            #expect(refusal?.sqlState == "22023" && refusal?.hint != nil)
        }
    }

    @Test("Dead letters are retried and discarded by kind, queue, time and number")
    func bulk() async throws {
        try await JobBench.with { bench in
            try await bench.ended("failed", count: 4, kind: "mail", queue: "slow")
            try await bench.ended("failed", count: 2)
            var which = DeadJobs()
            which.kind = "mail"
            which.queue = "slow"
            which.atMost = 3
            #expect(try await bench.queue.retryFailed(which) == 3)
            which.since = Date.now.addingTimeInterval(3600)
            #expect(try await bench.queue.retryFailed(which) == 0)
            #expect(try await bench.queue.discardFailed() == 3)
        }
    }

    @Test("No job of a paused queue is started until it is resumed")
    func pause() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.queue.pause(queue: "default")
            try await bench.queue.enqueue(Work())
            let claim: PostgresQuery = "SELECT id FROM claim_jobs(\(worker), 'default', ARRAY['work'], 1)"
            #expect(try await bench.sql(claim).isEmpty)
            try await bench.queue.resume(queue: "default")
            #expect(try await !bench.sql(claim).isEmpty)
        }
    }
}
