import Jobs
import Platform
import Postgres
import Testing

@Suite("Ending a job in the handler's transaction", .timeLimit(.minutes(2)))
struct TransactionTests {
    @Test("The effect and the end of the job are one commit, and its waiter hears of it")
    func commits() async throws {
        try await JobBench.with { bench in
            try await bench.sql("CREATE TABLE effects (job_id bigint)")
            var registry = JobRegistry()
            registry.register(Work.self) { work, context in
                try await bench.client.withTransaction { connection in
                    try await connection.query("INSERT INTO effects VALUES (\(context.id))")
                    try await context.complete(["said": .string(work.name)], in: connection)
                }
                return .completedInTransaction
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work(name: "hi"), .with { $0.isAwaited = true })
                let end = try await bench.end(of: id)
                #expect(end.state == .completed)
                #expect(end.result == ["said": "hi"])
                #expect(try await bench.value("SELECT job_id FROM effects", Int64.self) == id)
            }
        }
    }

    @Test("Statements and the end of the job are one commit in one round trip, whether or not others commit beside it")
    func commitsInOneRoundTrip() async throws {
        try await JobBench.with { bench in
            try await bench.sql("CREATE TABLE effects (job_id bigint PRIMARY KEY)")
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                try await context.complete(
                    .integer(context.id), with: ["INSERT INTO effects VALUES (\(context.id))"], on: bench.client)
                return .completedInTransaction
            }
            try await bench.withWorkers(registry) {
                let ids = try await withThrowingTaskGroup(of: JobID.self) { group in
                    for number in 0..<40 {
                        group.addTask {
                            try await bench.queue.enqueue(
                                Work(), .with { ($0.isAwaited, $0.key) = (true, "key \(number % 20)") })
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                for id in ids { #expect(try await bench.end(of: id).result == .integer(id)) }
                #expect(try await bench.value("SELECT count(*) FROM effects", Int.self) == 40)
                #expect(try await bench.value("SELECT count(*) FROM job_keys", Int.self) == 0)
            }
        }
    }

    @Test("A statement that fails takes the end of the job with it, and the attempt has failed")
    func failsInOneRoundTrip() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce) { _, context in
                let divisor = context.attempt - 1
                try await context.complete("done", with: ["SELECT 1 / \(divisor)"], on: bench.client)
                return .completedInTransaction
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work())
                #expect(try await bench.end(of: id).result == "done")
                #expect(try await bench.value("SELECT attempt FROM finished_jobs", Int.self) == 2)
            }
        }
    }

    @Test("An end whose transaction was rolled back is a failed attempt, though the handler says otherwise")
    func rolledBack() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce) { _, context in
                if context.attempt == 2 { return .completed("second") }
                try? await bench.client.withTransaction { connection in
                    try await context.complete("first", in: connection)
                    throw Broken()
                }
                return .completedInTransaction
            }
            try await bench.withWorkers(registry) {
                let end = try await bench.end(of: bench.queue.enqueue(Work()))
                #expect(end.result == "second")
            }
        }
    }

    @Test("Saying so without having done it is a failed attempt")
    func neverCompleted() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completedInTransaction }
            try await bench.withWorkers(registry) {
                let end = try await bench.end(of: bench.queue.enqueue(Work(), .with { $0.maximumAttempts = 1 }))
                #expect(end.state == .failed)
                #expect(end.error?.contains("complete(in:)") == true)
            }
        }
    }

    @Test("An attempt that lost its lease cannot commit its effect")
    func leaseLost() async throws {
        try await loseLease { context, bench in
            try await bench.client.withTransaction { connection in
                try await connection.query("INSERT INTO effects VALUES (\(context.attempt))")
                try await context.complete(in: connection)
            }
        }
        try await loseLease { context, bench in
            try await context.complete(
                with: ["INSERT INTO effects VALUES (\(context.attempt))"], on: bench.client)
        }
    }

    private func loseLease(_ end: @escaping @Sendable (JobContext, JobBench) async throws -> Void) async throws {
        try await JobBench.with { bench in
            try await bench.sql("CREATE TABLE effects (attempt bigint)")
            let other = try await bench.registerWorker()
            let refused = Journal<JobID>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                // Taken by another, as after a rescue.
                try await bench.sql("UPDATE jobs SET worker = \(other), claims = claims + 1")
                do {
                    try await end(context, bench)
                } catch JobError.leaseLost(let id) {
                    refused.record(id)
                }
                return .completedInTransaction
            }
            var configuration = JobBench.quick()
            configuration.heartbeat = .seconds(60)
            configuration.deadAfter = .seconds(3600)
            try await bench.withWorkers(registry, configuration) {
                let id = try await bench.queue.enqueue(Work())
                await refused.wait(forCount: 1)
                #expect(refused.entries == [id])
                #expect(try await bench.value("SELECT count(*) FROM effects", Int.self) == 0)
                #expect(try await bench.value("SELECT worker FROM jobs", Int64.self) == other)
            }
        }
    }

    @Test("A job that is claimed again while its first run goes on ends once, by the second run")
    func superseded() async throws {
        try await JobBench.with { bench in
            let started = Journal<Int>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                started.record(context.attempt)
                // As after a crash of the server that undid the claim.
                if context.attempt == 1 {
                    try await bench.sql("UPDATE jobs SET state = 'available', worker = NULL")
                    try await sleepUntilCancelled()
                }
                return .completed(.integer(Int64(context.attempt)))
            }
            try await bench.withWorkers(registry) {
                let end = try await bench.end(of: bench.queue.enqueue(Work()))
                #expect(end.result == 2)
                #expect(started.entries == [1, 2])
            }
        }
    }
}
