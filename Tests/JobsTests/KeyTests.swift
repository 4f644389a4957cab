import FoundationEssentials
import Jobs
import Platform
import Postgres
import Testing

@Suite("Strict order per key", .timeLimit(.minutes(2)))
struct KeyTests {
    @Test("Jobs of a key run one at a time in the order of their enqueueing, retries and snoozes included")
    func fifo() async throws {
        try await JobBench.with { bench in
            let events = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self, retry: RetryPolicy { _ in .milliseconds(3) }) { work, context in
                events.record("start \(work.name)")
                await Task.yield()
                if work.name.hasSuffix("3"), context.attempt == 1 { throw Broken() }
                if work.name.hasSuffix("5"), events.entries.filter({ $0 == "start \(work.name)" }).count == 1 {
                    return .snoozed(.milliseconds(3))
                }
                events.record("end \(work.name)")
                return .completed()
            }
            let keys = (0..<6).map { "key \($0)" }
            for number in 0..<20 {
                for key in keys {
                    try await bench.queue.enqueue(Work(name: "\(key) \(number)"), .with { $0.key = key })
                }
            }
            try await bench.withWorkers(registry, count: 3) {
                await events.wait { $0.filter { $0.hasPrefix("end") }.count == 120 }
            }
            for key in keys {
                let mine = events.entries.filter { $0.contains(" \(key) ") }
                let expected = (0..<20).flatMap { number in
                    let again = number % 10 == 3 || number % 10 == 5
                    return (again ? ["start \(key) \(number)"] : []) + [
                        "start \(key) \(number)", "end \(key) \(number)",
                    ]
                }
                #expect(mine == expected)
            }
        }
    }

    @Test("Enqueueing a key from many transactions at once: one job is free, the rest wait, in the order of commits")
    func concurrentEnqueue() async throws {
        try await JobBench.with { bench in
            let order = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                order.record(work.name)
                return .completed()
            }
            try await bench.withWorkers(registry, count: 2) {
                for round in 0..<4 {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 0..<8 {
                            group.addTask {
                                try await bench.queue.enqueue(Work(name: "\(round) \(number)"), .with { $0.key = "k" })
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                await order.wait(forCount: 32)
            }
            let committed: [String] = try await bench.column(
                "SELECT arguments->>'name' FROM finished_jobs ORDER BY id")
            #expect(committed == order.entries)
            try await bench.until("SELECT NOT EXISTS (SELECT FROM job_keys)")
        }
    }

    @Test("While a transaction holds one key, the ends of other keys' jobs do not wait for it")
    func keysAreApart() async throws {
        try await JobBench.with { bench in
            let gate = Gate()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                await gate.pass()
                return .completed()
            }
            try await bench.withWorkers(registry) {
                let held = try await bench.queue.enqueue(Work(), .with { $0.key = "held" })
                let free = try await bench.queue.enqueue(Work(), .with { $0.key = "free" })
                try await bench.client.withTransaction { connection in
                    try await bench.queue.enqueue(Work(), .with { $0.key = "held" }, in: connection)
                    gate.open()
                    #expect(try await bench.end(of: free).state == .completed)
                    #expect(try await bench.value("SELECT count(*) FROM jobs WHERE id = \(held)", Int.self) == 1)
                }
                #expect(try await bench.end(of: held).state == .completed)
            }
        }
    }

    @Test("A cancelled head, a cancelled middle and an expired middle let the next go, in order")
    func cancelledInKey() async throws {
        try await JobBench.with { bench in
            var ids: [JobID] = []
            for number in 0..<5 {
                let options = JobOptions.with {
                    $0.key = "k"
                    $0.startWithin = number == 2 ? .zero : nil
                }
                ids.append(try await bench.queue.enqueue(Work(name: "\(number)"), options))
            }
            #expect(try await bench.queue.cancel(ids[0]))
            #expect(try await bench.queue.cancel(ids[3]))
            let order = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                order.record(work.name)
                return .completed()
            }
            let report = try await bench.queue.drain(with: registry)
            #expect(report.ids(.expired) == [ids[2]])
            #expect(report.ids(.completed) == [ids[1], ids[4]])
            #expect(order.entries == ["1", "4"])
        }
    }

    @Test("A job of a key that is for later holds the later ones of its key")
    func laterHoldsKey() async throws {
        try await JobBench.with { bench in
            let head = try await bench.queue.enqueue(
                Work(),
                .with {
                    $0.key = "k"
                    $0.runAt = .distantFuture
                })
            try await bench.queue.enqueue(Work(), .with { $0.key = "k" })
            let states: [String] = try await bench.column("SELECT state::text FROM jobs ORDER BY id")
            #expect(states == ["scheduled", "blocked"])
            #expect(try await bench.value("SELECT wake_job(\(head))", Bool.self))
            #expect(
                try await bench.value("SELECT state::text FROM jobs WHERE id = \(head)", String.self) == "available")
        }
    }
}
