import Jobs
import Platform
import Postgres
import Testing

@Suite("Running jobs", .timeLimit(.minutes(2)))
struct RunTests {
    @Test("A job runs, and its result is there for whoever waits")
    func result() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { work, context in
                .completed(["hello": .string(work.name), "attempt": .integer(Int64(context.attempt))])
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work(name: "you"), .with { $0.isAwaited = true })
                let end = try await bench.end(of: id)
                #expect(end.state == .completed)
                #expect(end.result == ["hello": "you", "attempt": 1])
                #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == 0)
                // Whoever asks later gets the same.
                #expect(try await bench.end(of: id).result == end.result)
            }
        }
    }

    @Test("A failing job is tried again after its policy's delay, and fails when attempts are used up")
    func retries() async throws {
        try await JobBench.with { bench in
            let attempts = Journal<Int>()
            var registry = JobRegistry()
            registry.register(Work.self, retry: RetryPolicy { _ in .milliseconds(20) }) { _, context in
                attempts.record(context.attempt)
                throw Broken()
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work(), .with { $0.maximumAttempts = 3 })
                let end = try await bench.end(of: id)
                #expect(end.state == .failed)
                #expect(end.error == "broken on purpose")
                #expect(attempts.entries == [1, 2, 3])
            }
        }
    }

    @Test("onFailure runs once, in the transaction that ends the job")
    func onFailure() async throws {
        try await JobBench.with { bench in
            try await bench.sql("CREATE TABLE failures (name text, error text, state text)")
            var registry = JobRegistry()
            registry.register(
                Work.self, retry: .atOnce,
                onFailure: { work, error, connection in
                    // What the transaction sees: the job has ended, and nobody else sees that yet.
                    try await connection.query(
                        """
                        INSERT INTO failures SELECT \(work.name), \(error), state::text FROM finished_jobs
                        WHERE NOT EXISTS (SELECT FROM jobs)
                        """)
                }
            ) { _, _ in throw Broken() }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work(name: "me"), .with { $0.maximumAttempts = 2 })
                #expect(try await bench.end(of: id).state == .failed)
                let rows = try await bench.sql("SELECT * FROM failures")
                #expect(rows.count == 1)
                let (name, error, state) = try #require(rows.first).decode(String.self, String.self, String.self)
                #expect((name, error, state) == ("me", "broken on purpose", "failed"))
            }
        }
    }

    @Test("An onFailure that itself fails does not keep its job from ending, and says so")
    func brokenOnFailure() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(
                Work.self, onFailure: { _, _, connection in try await connection.query("SELECT 1/0") }
            ) { _, _ in .failed(reason: "no use") }
            try await bench.withWorkers(registry) {
                let end = try await bench.end(of: try await bench.queue.enqueue(Work()))
                #expect(end.state == .failed)
                let error = try #require(end.error)
                #expect(error.hasPrefix("no use"))
                #expect(error.contains("onFailure"))
            }
        }
    }

    @Test("Arguments of the wrong shape fail the job with what is wrong with them")
    func undecodable() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            for (arguments, reason) in [
                ("{}", "$.name is missing"), (#"{"name": 5}"#, "$.name is not of type String"),
                ("[]", "$ is not of type"),
            ] {
                try await bench.sql("SELECT enqueue_job('work', \(arguments)::jsonb)")
                let run = try #require(try await bench.queue.drain(with: registry).runs.first)
                #expect(run.outcome == .failed)
                #expect(run.error?.contains(reason) == true, "\(run.error ?? "")")
            }
        }
    }

    @Test("A snooze does not count as an attempt")
    func snooze() async throws {
        try await JobBench.with { bench in
            let attempts = Journal<Int>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                attempts.record(context.attempt)
                return attempts.entries.count < 4 ? .snoozed(.milliseconds(10)) : .completed()
            }
            try await bench.queue.enqueue(Work(), .with { $0.maximumAttempts = 1 })
            let report = try await bench.queue.drain(with: registry, includingScheduled: true)
            #expect(report.counts == [.snoozed: 3, .completed: 1])
            #expect(attempts.entries == [1, 1, 1, 1])
        }
    }

    @Test("wake_job lets a snoozed job run now, also when it comes while the job still decides to snooze")
    func wake() async throws {
        try await JobBench.with { bench in
            let runs = Journal<Int>()
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                runs.record(runs.entries.count)
                if runs.entries.count > 2 { return .completed() }
                if runs.entries.count == 1 {
                    let isWoken: Bool = try await bench.value("SELECT wake_job(\(context.id))")
                    #expect(isWoken)
                }
                return .snoozed(.seconds(3600))
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work())
                await runs.wait(forCount: 2)
                // From outside; true once the snooze has arrived.
                try await bench.until("SELECT state = 'scheduled' FROM jobs")
                #expect(try await bench.value("SELECT wake_job(\(id))", Bool.self))
                #expect(try await bench.end(of: id).state == .completed)
                #expect(try await bench.value("SELECT wake_job(\(id))", Bool.self) == false)
            }
        }
    }

    @Test("A job that did not start in time expires, with what its kind does then")
    func expires() async throws {
        try await JobBench.with { bench in
            try await bench.sql("CREATE TABLE failures (error text)")
            var registry = JobRegistry()
            registry.register(
                Work.self,
                onFailure: { _, error, connection in
                    try await connection.query("INSERT INTO failures VALUES (\(error))")
                }
            ) { _, _ in .completed() }
            let late = try await bench.queue.enqueue(Work(), .with { $0.startWithin = .zero })
            try await bench.withWorkers(registry) {
                let end = try await bench.end(of: late)
                #expect(end.state == .expired)
                #expect(try await bench.value("SELECT error FROM failures", String.self) == end.error)
                let early = try await bench.queue.enqueue(Work(), .with { $0.startWithin = .seconds(3600) })
                #expect(try await bench.end(of: early).state == .completed)
            }
        }
    }

    @Test("A result that is too large, or that JSONB cannot hold, is a failed attempt that says so")
    func badResults() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                .completed(.string(work.name == "large" ? String(repeating: "x", count: 1_048_577) : "a\0b"))
            }
            try await bench.withWorkers(registry) {
                for (name, reason) in [("large", "1 MiB"), ("nul", "NUL")] {
                    let id = try await bench.queue.enqueue(Work(name: name), .with { $0.maximumAttempts = 1 })
                    let end = try await bench.end(of: id)
                    #expect(end.state == .failed)
                    #expect(end.error?.contains(reason) == true)
                }
            }
        }
    }

    @Test("Smaller priorities run first, equal ones in the order of their ids")
    func priorities() async throws {
        try await JobBench.with { bench in
            let names = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                names.record(work.name)
                return .completed()
            }
            for (name, priority) in [("d", 100), ("a", 1), ("b", 1), ("c", 50), ("e", 100)] {
                try await bench.queue.enqueue(Work(name: name), .with { $0.priority = priority })
            }
            try await bench.withWorkers(registry, JobBench.quick(["default": 1])) {
                await names.wait(forCount: 5)
                #expect(names.entries == ["a", "b", "c", "d", "e"])
            }
        }
    }

    @Test("A queue whose slots are all taken takes none of another queue's")
    func queuesAreApart() async throws {
        try await JobBench.with { bench in
            let gate = Gate()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                if work.name == "slow" { await gate.pass() }
                return .completed()
            }
            let configuration = JobBench.quick(["slow": 2, "fast": 1])
            try await bench.withWorkers(registry, configuration) {
                for _ in 0..<5 { try await bench.queue.enqueue(Work(name: "slow"), .with { $0.queue = "slow" }) }
                let fast = try await bench.queue.enqueue(Work(), .with { $0.queue = "fast" })
                #expect(try await bench.end(of: fast).state == .completed)
                gate.open()
            }
        }
    }

    @Test("No job of a paused queue starts; resuming starts them")
    func pause() async throws {
        try await JobBench.with { bench in
            let names = Journal<String>()
            var registry = JobRegistry()
            registry.register(Work.self) { work, _ in
                names.record(work.name)
                return .completed()
            }
            try await bench.sql("SELECT pause_queue('default')")
            try await bench.withWorkers(registry, JobBench.quick(["default": 4, "open": 4])) {
                let paused = try await bench.queue.enqueue(Work(name: "paused"))
                let open = try await bench.queue.enqueue(Work(name: "open"), .with { $0.queue = "open" })
                #expect(try await bench.end(of: open).state == .completed)
                #expect(names.entries == ["open"])
                try await bench.sql("SELECT resume_queue('default')")
                #expect(try await bench.end(of: paused).state == .completed)
            }
        }
    }

    @Test("A kind that a worker does not know is neither run nor ended by it")
    func unknownKind() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            try await bench.withWorkers(registry) {
                let unknown = try await bench.queue.enqueue(Other())
                let tooLate = try await bench.queue.enqueue(Other(), .with { $0.startWithin = .zero })
                let known = try await bench.queue.enqueue(Work())
                #expect(try await bench.end(of: known).state == .completed)
                let waiting: [JobID] = try await bench.column(
                    "SELECT id FROM jobs WHERE state = 'available' ORDER BY id")
                #expect(waiting == [unknown, tooLate])
            }
        }
    }

    @Test("When every notification is lost, polling finds the job")
    func polling() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            try await bench.withWorkers(registry) {
                let first = try await bench.queue.enqueue(Work())
                #expect(try await bench.end(of: first).state == .completed)
                // insert_job enqueues without notifying anyone, and this job's end notifies nobody.
                let id = try await bench.value(
                    """
                    SELECT id FROM insert_job('work', '{"name": ""}', 'default', 100, NULL, 10, NULL, NULL, NULL, false)
                    """, Int64.self)
                #expect(try await bench.end(of: id).state == .completed)
            }
        }
    }

    @Test("A job for later runs when it is due, not before")
    func runAt() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self) { _, _ in .completed() }
            try await bench.withWorkers(registry) {
                let id = try await bench.value(
                    """
                    SELECT enqueue_job('work', '{"name": ""}', run_at => clock_timestamp() + interval '300 ms')
                    """, Int64.self)
                #expect(try await bench.end(of: id).state == .completed)
                let isPunctual: Bool = try await bench.value(
                    "SELECT claimed_at >= run_at AND claimed_at < run_at + interval '5 s' FROM finished_jobs")
                #expect(isPunctual)
            }
        }
    }

    @Test("Who waits for a job that there is not hears so at once")
    func noSuchJob() async throws {
        try await JobBench.with { bench in
            let end = try await bench.end(of: 123_456)
            #expect(end.state == .lost)
        }
    }

    @Test("A waiter's time limit and its cancellation both end the waiting")
    func waitingEnds() async throws {
        try await JobBench.with { bench in
            let id = try await bench.queue.enqueue(Work())
            #expect(try await bench.queue.result(of: id, within: .milliseconds(50)) == nil)
            let waiter = Task { try await bench.queue.result(of: id, within: .seconds(3600)) }
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
        }
    }
}
