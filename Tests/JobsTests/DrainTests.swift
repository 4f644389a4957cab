import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Jobs

@Suite("Draining a queue in the test's own process", .timeLimit(.minutes(2)))
struct DrainTests {
    @Test("Jobs run one at a time as a worker would claim them, what they enqueue included, until nothing is due")
    func order() async throws {
        try await JobBench.with { bench in
            let runs = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                runs.record(work.name)
                if work.name == "low" { try await bench.queue.enqueue(Work(name: "child")) }
                return .completed()
            }
            func enqueue(_ name: String, _ options: JobOptions) async throws -> JobID {
                try await bench.queue.enqueue(Work(name: name), options)
            }
            let low = try await enqueue("low", .with { $0.priority = 200 })
            let first = try await enqueue("first of k", .with { $0.key = "k" })
            _ = try await enqueue("second of k", .with { $0.key = "k" })
            _ = try await enqueue("after low", .with { $0.dependsOn = [low] })
            _ = try await enqueue("turn", .with { $0.queue = "turns" })
            _ = try await enqueue("elsewhere", .with { $0.queue = "elsewhere" })
            _ = try await enqueue("tomorrow", .with { $0.runAt = .now.addingTimeInterval(86_400) })
            try await bench.queue.enqueue(Other())
            let report = try await bench.queue.drain(["turns", "default"], with: registry)
            let expected = ["turn", "first of k", "second of k", "low", "after low", "child"]
            #expect(runs.entries == expected)
            #expect(report.counts == [.completed: 6])
            #expect(report.isDrained)
            #expect(report.runs[1] == .init(id: first, kind: "work", attempt: 1, outcome: .completed, error: nil))
            // Of another queue, of a later time, of a kind that is not known here.
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == 3)
            #expect(try await bench.value("SELECT count(*) FROM workers", Int.self) == 0)
        }
    }

    @Test("A failed attempt waits for its time, unless what is scheduled runs too: then to its end")
    func scheduled() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .snoozed(.seconds(3600)) }
            registry.register(Other.self) { _, _ in throw Broken() }
            let other = try await bench.queue.enqueue(Other(), .with { $0.maximumAttempts = 3 })
            let now = try await bench.queue.drain(with: registry)
            #expect(
                now.runs == [.init(id: other, kind: "other", attempt: 1, outcome: .retried, error: "broken on purpose")]
            )
            #expect(now.isDrained)
            let later = try await bench.queue.drain(with: registry, includingScheduled: true)
            #expect(later.runs.map(\.outcome) == [.retried, .failed])
            #expect(later.runs.map(\.attempt) == [2, 3])

            _ = try await bench.queue.enqueue(Work(), .with { $0.maximumAttempts = 1 })
            let snoozed = try await bench.queue.drain(with: registry, includingScheduled: true, rounds: 3)
            #expect(snoozed.runs.map(\.outcome) == [.snoozed, .snoozed, .snoozed])
            #expect(!snoozed.isDrained)
        }
    }

    @Test("A job that enqueues itself anew runs once a round")
    func rounds() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                try await bench.queue.enqueue(work)
                return .completed()
            }
            try await bench.queue.enqueue(all: [Work(), Work()])
            let report = try await bench.queue.drain(with: registry, rounds: 5)
            #expect(report.counts == [.completed: 10])
            #expect(!report.isDrained)
        }
    }

    @Test("It stops at the first attempt that fails, when told to, and what comes after waits")
    func firstFailure() async throws {
        try await JobBench.with { bench in
            let failures = Journal<String>()
            var registry = JobRegistry()
            registry.register(
                Work.self, onFailure: { work, error, _ in failures.record("\(work.name): \(error)") }
            ) { work, _ in
                if work.name == "bad" { return .failed(reason: "no use") }
                return .completed()
            }
            _ = try await bench.queue.enqueue(Work(name: "good"))
            let bad = try await bench.queue.enqueue(Work(name: "bad"))
            let rest = try await bench.queue.enqueue(Work(name: "rest"))
            let failure = await #expect(throws: DrainFailure.self) {
                try await bench.queue.drain(with: registry, throwingAtFirstFailure: true)
            }
            #expect(failure?.description == "job \(bad) of kind work, attempt 1: no use")
            #expect(failures.entries == ["bad: no use"])
            #expect(try await bench.column("SELECT id FROM jobs WHERE state = 'available'") == [rest])
        }
    }

    @Test("A job that is too late expires, and is in the report")
    func expired() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            let late = try await bench.queue.enqueue(Work(), .with { $0.startWithin = .zero })
            let report = try await bench.queue.drain(with: registry)
            #expect(report.ids(.expired) == [late])
            #expect(report.runs.count == 1 && report.isDrained)
        }
    }

    @Test("An end that its transaction did not commit is reported as what the database has: a failed attempt")
    func uncommittedEnd() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                try? await bench.client.withTransaction { connection in
                    try await context.complete("never", in: connection)
                    throw Broken()
                }
                return .completedInTransaction
            }
            let id = try await bench.queue.enqueue(Work())
            #expect(try await bench.queue.drain(with: registry).ids(.retried) == [id])
        }
    }

    @Test("A kind's time limit holds")
    func timeLimit() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self, timeLimit: .milliseconds(100)) { _, _ in
                try await Task.sleep(for: .seconds(600))
                return .completed()
            }
            try await bench.queue.enqueue(Work())
            let report = try await bench.queue.drain(with: registry)
            #expect(report.runs.first?.error?.contains("time limit") == true)
        }
    }

    @Test("When it is cancelled the running job is given back, and nothing of it stays behind")
    func cancelled() async throws {
        try await JobBench.with { bench in
            let started = Journal<Void>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in
                started.record(())
                try await Task.sleep(for: .seconds(600))
                return .completed()
            }
            let id = try await bench.queue.enqueue(Work())
            let drain = Task { [registry] in try await bench.queue.drain(with: registry) }
            await started.wait(forCount: 1)
            drain.cancel()
            await #expect(throws: CancellationError.self) { try await drain.value }
            #expect(try await bench.column("SELECT id FROM jobs WHERE state = 'available' AND attempt = 0") == [id])
            #expect(try await bench.value("SELECT count(*) FROM workers", Int.self) == 0)
        }
    }
}
