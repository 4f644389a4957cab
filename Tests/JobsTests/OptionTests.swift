import FoundationEssentials
import Jobs
import Platform
import Postgres
import Testing

@Suite("What few jobs bring with them", .timeLimit(.minutes(2)))
struct OptionTests {
    @Test("A unique key that is held for a time outlives its job, and is free afterwards")
    func uniqueFor() async throws {
        try await JobBench.with { bench in
            let options = JobOptions.with { ($0.uniqueKey, $0.uniqueFor) = ("only", .seconds(3600)) }
            let first = try await bench.queue.enqueue(Work(name: "first"), options)
            #expect(try await bench.queue.cancel(first))
            #expect(try await bench.queue.enqueue(Work(name: "second"), options) == first)
            #expect(try await bench.states() == [])
            try await bench.sql("UPDATE unique_periods SET until = clock_timestamp()")
            #expect(try await bench.queue.enqueue(Work(name: "third"), options) != first)
        }
    }

    @Test("Of many that enqueue one at once, all get the same job, and there is one")
    func uniqueForUnderConcurrency() async throws {
        try await JobBench.with { bench in
            let options = JobOptions.with { ($0.uniqueKey, $0.uniqueFor) = ("only", .seconds(3600)) }
            let ids = try await withThrowingTaskGroup(of: JobID.self) { group in
                for _ in 0..<50 { group.addTask { try await bench.queue.enqueue(Work(), options) } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await bench.states().count == 1)
        }
    }

    @Test("A job's own retry policy goes before its kind's")
    func retry() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self, retry: RetryPolicy { _ in .seconds(3600) }) { _, context in
                if context.attempt < 4 { throw Broken() }
                return .completed(.integer(Int64(context.attempt)))
            }
            let options = JobOptions.with {
                ($0.isAwaited, $0.retry) = (true, Backoff(base: .milliseconds(1), factor: 1, jitter: 0))
            }
            let id = try await bench.queue.enqueue(Work(), options)
            try await bench.queue.drain(with: registry, includingScheduled: true)
            #expect(try await bench.end(of: id).result == 4)
            let kept = try await bench.value(
                "SELECT (insert_job('work', '{}', 'q', 1, NULL, 1, NULL, NULL, NULL, false, '{\"retry\": {\"base\": 2}}')).id",
                Int64.self)
            #expect(
                try await bench.value("SELECT options->'retry'->>'base' FROM jobs WHERE id = \(kept)", String.self)
                    == "2")
        }
    }

    @Test("Middleware goes around every handler, the first one outermost, and may decide by itself")
    func middleware() async throws {
        try await JobBench.with { bench in
            let steps = Journal<String>()
            var registry = JobRegistry()
            registry.use { context, next in
                steps.record("first in \(context.kind)")
                defer { steps.record("first out") }
                return try await next()
            }
            registry.use { context, next in
                guard context.kind == Work.kind else { return .cancelled(reason: "not today") }
                steps.record("second")
                return try await next()
            }
            registry.register(Work.self) { _, _ in
                steps.record("handler")
                return .completed(true)
            }
            registry.register(Other.self) { _, _ in .completed() }
            let work = try await bench.queue.enqueue(Work())
            let other = try await bench.queue.enqueue(Other())
            let report = try await bench.queue.drain(with: registry)
            #expect(report.ids(.completed) == [work])
            #expect(report.ids(.cancelled) == [other])
            #expect(report.runs.last?.error == "not today")
            #expect(
                steps.entries == ["first in work", "second", "handler", "first out", "first in other", "first out"])
        }
    }

    @Test("A trace goes from whoever enqueues to the handler, and on to what that enqueues, however it is enqueued")
    func trace() async throws {
        let trace = try #require(TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        try await JobBench.with { bench in
            let traces = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { work, context in
                let current = try #require(TraceContext.current)
                #expect(current == context.trace)
                #expect(current.isSampled)
                traces.record("\(work.name) \(current.traceID)")
                if work.name == "parent" { try await bench.queue.enqueue(Work(name: "child")) }
                return .completed()
            }
            try await bench.withWorkers(registry) {
                try await TraceContext.$current.withValue(trace) {
                    try await bench.queue.enqueue(Work(name: "parent"))
                    try await bench.queue.enqueue(all: [Work(name: "copied")])
                    _ = try await bench.client.withTransaction { connection in
                        try await bench.queue.enqueue(Work(name: "transaction"), in: connection)
                    }
                }
                await traces.wait(forCount: 4)
            }
            let expected = ["child", "copied", "parent", "transaction"].map { "\($0) \(trace.traceID)" }
            #expect(traces.entries.sorted() == expected)
        }
    }
}
