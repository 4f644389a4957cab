import FoundationEssentials
import Jobs
import Platform
import Postgres
import Testing

@Suite("Chains", .timeLimit(.minutes(2)))
struct ChainTests {
    private func after(_ ids: [JobID], anyway: Bool = false) -> JobOptions {
        .with { ($0.dependsOn, $0.runsAfterFailure, $0.isAwaited) = (ids, anyway, true) }
    }

    @Test("A job runs after all that it depends on, with their results at hand")
    func order() async throws {
        try await JobBench.with { bench in
            let runs = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { work, context in
                runs.record(work.name)
                guard work.name == "last" else { return .completed(.string("of " + work.name)) }
                var results: [JSON] = []
                for id in context.dependsOn {
                    let end = try await bench.queue.result(of: id, within: .seconds(10))
                    results.append(end?.result ?? .null)
                }
                return .completed(.array(results))
            }
            let first = try await bench.queue.enqueue(Work(name: "first"))
            let second = try await bench.queue.enqueue(Work(name: "second"), after([first]))
            let third = try await bench.queue.enqueue(Work(name: "third"))
            let last = try await bench.queue.enqueue(Work(name: "last"), after([second, third, second]))
            #expect(try await bench.states() == ["available", "waiting", "available", "waiting"])
            try await bench.withWorkers(registry) {
                let end = try await bench.end(of: last)
                #expect(end.result == .array(["of second", "of third"]))
            }
            #expect(runs.entries.filter { $0 != "third" } == ["first", "second", "last"])
            #expect(runs.entries.last == "last")
            #expect(try await bench.value("SELECT count(*) FROM job_dependencies", Int.self) == 0)
        }
    }

    @Test(
        "When one did not complete, all that come after it are cancelled, however long the chain; those that run anyway run"
    )
    func failure() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce) { work, _ in
                work.name == "bad" ? .failed(reason: "no use") : .completed()
            }
            let bad = try await bench.queue.enqueue(Work(name: "bad"))
            var chain = [bad]
            for _ in 0..<600 { chain.append(try await bench.queue.enqueue(Work(), after([chain.last ?? bad]))) }
            let anyway = try await bench.queue.enqueue(Work(), after([chain[600]], anyway: true))
            try await bench.withWorkers(registry) {
                #expect(try await bench.end(of: anyway).state == .completed)
                let end = try await bench.end(of: chain[1])
                #expect(end.state == .cancelled)
                #expect(end.error == "job \(bad), which it depends on, did not complete")
                #expect(try await bench.end(of: chain[600]).state == .cancelled)
            }
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == 0)
        }
    }

    @Test("What has ended already counts: completed lets the job go, failed cancels it")
    func ended() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce) { work, _ in
                work.name == "bad" ? .failed(reason: "no use") : .completed()
            }
            try await bench.withWorkers(registry) {
                let good = try await bench.queue.enqueue(Work(), .with { $0.isAwaited = true })
                let bad = try await bench.queue.enqueue(Work(name: "bad"), .with { $0.isAwaited = true })
                _ = try await (bench.end(of: good), bench.end(of: bad))
                let runs = try await bench.queue.enqueue(Work(), after([good]))
                let never = try await bench.queue.enqueue(Work(), after([good, bad]))
                let anyway = try await bench.queue.enqueue(Work(), after([good, bad], anyway: true))
                #expect(try await bench.end(of: runs).state == .completed)
                #expect(try await bench.end(of: never).state == .cancelled)
                #expect(try await bench.end(of: anyway).state == .completed)
            }
        }
    }

    @Test("Of many that end at the same moment, the last one lets the follower go, whichever it is")
    func race() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            registry.register(Other.self) { _, context in
                try await context.complete(nil, with: [], on: bench.client)
                return .completedInTransaction
            }
            try await bench.withWorkers(registry, JobBench.quick(["default": 16]), count: 3) {
                for _ in 0..<40 {
                    var ids: [JobID] = []
                    for number in 0..<6 {
                        ids.append(try await bench.queue.enqueue(Work()))
                        ids.append(try await bench.queue.enqueue(Other(number: number)))
                    }
                    let follower = try await bench.queue.enqueue(Work(), after(ids))
                    #expect(try await bench.end(of: follower).state == .completed)
                }
            }
        }
    }

    @Test(
        "A job that waited too long for others expires, also when the worker that was to end it is lost; it never runs")
    func expired() async throws {
        try await JobBench.with { bench in
            let first = try await bench.queue.enqueue(Work(name: "first"))
            let late = try await bench.queue.enqueue(
                Work(name: "late"),
                .with { ($0.dependsOn, $0.startWithin, $0.isAwaited) = ([first], .milliseconds(1), true) })
            try await bench.sql("SELECT pg_sleep(0.01)")
            let adopt: (Int64) -> PostgresQuery = { "SELECT id FROM adopt_jobs(\($0), ARRAY['work'], 10)" }
            let victim = try await bench.registerWorker()
            #expect(try await bench.column(adopt(victim), JobID.self) == [late])
            try await bench.sql("DELETE FROM workers WHERE id = \(victim)")
            try await bench.sql("SELECT rescue_jobs(10)")
            let next = try await bench.registerWorker()
            let claimed: [JobID] = try await bench.column(
                "SELECT id FROM claim_jobs(\(next), 'default', ARRAY['work'], 10)")
            #expect(claimed == [first])
            let ending = try await bench.value(
                "SELECT ending FROM adopt_jobs(\(next), ARRAY['work'], 10) WHERE id = \(late)", String.self)
            #expect(ending == "expired")
        }
    }

    @Test("A waiting job can be cancelled, and what comes after it is cancelled with it")
    func cancelled() async throws {
        try await JobBench.with { bench in
            let first = try await bench.queue.enqueue(Work())
            let second = try await bench.queue.enqueue(Work(), after([first]))
            let third = try await bench.queue.enqueue(Work(), after([second]))
            #expect(try await bench.queue.cancel(second))
            #expect(try await bench.end(of: third).state == .cancelled)
            #expect(try await bench.states() == ["available"])
            #expect(try await bench.value("SELECT count(*) FROM job_dependencies", Int.self) == 0)
        }
    }

    @Test(
        "What cannot be is refused, with what is wrong",
        arguments: [
            ("depends_on => ARRAY[999999]", "23503"), ("depends_on => ARRAY[1, NULL]", "22023"),
            ("depends_on => ARRAY[1], key => 'k'", "22023"),
            ("on_failure => 'shrug'", "22023"), ("retry => '{\"bass\": 1}'", "22023"), ("retry => '[]'", "22023"),
            ("retry => '{\"factor\": 0}'", "22023"), ("retry => '{\"base\": \"long\"}'", "22023"),
            ("traceparent => '00-1-2-03'", "22023"), ("unique_for => '1 h'", "22023"),
            ("unique_for => '-1 h', unique_key => 'u'", "22023"), ("batch => 17", "23503"),
            ("depends_on => ARRAY(SELECT generate_series(1::bigint, 1001))", "22023"),
        ])
    func refused(option: String, sqlState: String) async throws {
        try await JobBench.with { bench in
            let error = await #expect(throws: PostgresError.self) {
                try await bench.sql(PostgresQuery(unsafe: "SELECT enqueue_job('work', \(option))"))
            }
            #expect(error?.sqlState == sqlState)
            let jobs = try await bench.value("SELECT count(*) FROM jobs", Int.self)
            #expect(jobs == 0)
        }
    }
}

extension JobBench {
    /// Of all jobs that have not ended, by id.
    func states() async throws -> [String] { try await column("SELECT state::text FROM jobs ORDER BY id") }
}
