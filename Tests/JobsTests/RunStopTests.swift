import FoundationEssentials
import Jobs
import Platform
import Postgres
import Testing

@Suite("Stopping a running job", .timeLimit(.minutes(2)))
struct RunStopTests {
    @Test("A handler that exceeds its time limit is cancelled, and the attempt counts")
    func timeLimit() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce, timeLimit: .milliseconds(100)) { _, _ in
                try await sleepUntilCancelled()
                return .completed()
            }
            try await bench.withWorkers(registry) {
                let end = try await bench.end(of: bench.queue.enqueue(Work(), .with { $0.maximumAttempts = 2 }))
                #expect(end.state == .failed)
                #expect(end.error?.contains("time limit") == true)
            }
        }
    }

    @Test("A handler that ignores its cancellation loses its slot, and its late end changes nothing")
    func ignoresCancellation() async throws {
        try await JobBench.with { bench in
            let gate = Gate()
            let ended = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self, timeLimit: .milliseconds(100)) { work, _ in
                if work.name == "stubborn" { await gate.passIgnoringCancellation() }
                ended.record(work.name)
                return .completed()
            }
            try await bench.withWorkers(registry, JobBench.quick(["default": 1])) {
                let stubborn = try await bench.queue.enqueue(
                    Work(name: "stubborn"), .with { $0.maximumAttempts = 1 })
                let other = try await bench.queue.enqueue(Work(name: "other"))
                // With the only slot taken for ever, the other would never run.
                #expect(try await bench.end(of: other).state == .completed)
                #expect(try await bench.end(of: stubborn).state == .failed)
                #expect(bench.metrics.render().contains("operadora_jobs_stuck 1"))
                gate.open()
                await ended.wait { $0.contains("stubborn") }
                #expect(
                    try await bench.value("SELECT state::text FROM finished_jobs WHERE id = \(stubborn)") == "failed")
            }
        }
    }

    @Test("A waiting job is cancelled at once, a running one is told to stop")
    func cancel() async throws {
        try await JobBench.with { bench in
            let started = Journal<JobID>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                started.record(context.id)
                try await sleepUntilCancelled()
                return .completed()
            }
            let waiting = try await bench.queue.enqueue(Work(), .with { $0.runAt = .distantFuture })
            #expect(try await bench.queue.cancel(waiting))
            #expect(try await bench.end(of: waiting).state == .cancelled)
            #expect(try await bench.queue.cancel(waiting) == false)
            try await bench.withWorkers(registry) {
                let running = try await bench.queue.enqueue(Work())
                await started.wait(forCount: 1)
                #expect(try await bench.queue.cancel(running))
                #expect(try await bench.end(of: running).state == .cancelled)
            }
        }
    }

    @Test("A running job hears of its cancellation by the heartbeat when the notification is lost")
    func cancelWithoutNotification() async throws {
        try await JobBench.with { bench in
            let started = Journal<JobID>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                started.record(context.id)
                try await sleepUntilCancelled()
                return .completed()
            }
            try await bench.withWorkers(registry) {
                let running = try await bench.queue.enqueue(Work())
                await started.wait(forCount: 1)
                try await bench.sql("UPDATE jobs SET cancel_requested = true WHERE id = \(running)")
                #expect(try await bench.end(of: running).state == .cancelled)
            }
        }
    }

    @Test("A job that was cancelled does not come back from a failed attempt")
    func cancelThenFail() async throws {
        try await JobBench.with { bench in
            let gate = Gate()
            let started = Journal<JobID>()
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce) { _, context in
                started.record(context.id)
                await gate.passIgnoringCancellation()
                return .snoozed(.zero)
            }
            var configuration = JobBench.quick()
            configuration.cancellationGrace = .seconds(60)
            try await bench.withWorkers(registry, configuration) {
                let id = try await bench.queue.enqueue(Work())
                await started.wait(forCount: 1)
                #expect(try await bench.queue.cancel(id))
                gate.open()
                #expect(try await bench.end(of: id).state == .cancelled)
                #expect(started.entries.count == 1)
            }
        }
    }
}
