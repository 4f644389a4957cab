import Platform
import Postgres
import Testing

@testable import Jobs

@Suite("Progress", .timeLimit(.minutes(2)))
struct ProgressTests {
    /// Claims one job and returns its id and fence.
    private func claim(_ bench: JobBench, _ worker: Int64) async throws -> (JobID, Int32) {
        try await #require(
            bench.sql("SELECT id, claims FROM claim_jobs(\(worker), 'default', ARRAY['work'], 1)").first
        ).decode(JobID.self, Int32.self)
    }

    @Test("The run that has the job says how far it is; a stale run, or another worker, changes nothing")
    func fence() async throws {
        try await JobBench.with { bench in
            try await bench.sql("SELECT enqueue_job('work')")
            let (first, second) = (try await bench.registerWorker(), try await bench.registerWorker())
            let (id, stale) = try await claim(bench, first)
            func report(_ fraction: Double, _ worker: Int64, _ fence: Int32) async throws -> Bool {
                try await bench.value("SELECT report_progress(\(id), \(fraction), 'said', \(worker), \(fence))")
            }
            let shown: PostgresQuery = "SELECT fraction FROM job_progress"
            #expect(try await report(0.25, first, stale))
            #expect(try await bench.column(shown) == [0.25])

            try await bench.sql("DELETE FROM workers WHERE id = \(first)")
            try await bench.sql("SELECT rescue_jobs(10)")
            // It waits again: nobody is on the way.
            #expect(try await bench.column(shown) == [Double]())
            #expect(try await !report(0.5, first, stale))
            let (_, fence) = try await claim(bench, second)
            #expect(try await report(0.1, second, fence))
            #expect(try await !report(0.9, first, stale))
            #expect(try await !report(0.9, first, fence))
            #expect(try await bench.column(shown) == [0.1])
            // The end of the job is the end of its progress, in the same moment.
            try await bench.sql("SELECT complete_job(\(second), \(id), \(fence), false, NULL, false)")
            #expect(try await bench.column(shown) == [Double]())
            #expect(try await !report(1, second, fence))
        }
    }

    @Test("A report that a stale run had under way does not replace a later run's")
    func lateReport() async throws {
        try await JobBench.with { bench in
            try await bench.sql("SELECT enqueue_job('work')")
            let worker = try await bench.registerWorker()
            let (id, stale) = try await claim(bench, worker)
            try await bench.sql("SELECT report_progress(\(id), 0.1, NULL, \(worker), \(stale))")
            // The stale run's statement has seen the job as its own, and waits for the row that a later run writes.
            let late = try await bench.client.withTransaction { connection in
                try await connection.query("UPDATE progress_reports SET fence = fence + 1, fraction = 0.3")
                let late = Task {
                    try await bench.value("SELECT report_progress(\(id), 0.9, NULL, \(worker), \(stale))", Bool.self)
                }
                try await bench.untilSomebodyWaits()
                return late
            }
            #expect(try await !late.value)
            #expect(try await bench.column("SELECT fraction FROM progress_reports") == [0.3])
        }
    }

    @Test("What is out of range is refused, and names the constraint", arguments: ["1.01", "-0.1", "'NaN'"])
    func range(fraction: String) async throws {
        try await JobBench.with { bench in
            try await bench.sql("SELECT enqueue_job('work')")
            let worker = try await bench.registerWorker()
            let (id, fence) = try await claim(bench, worker)
            let refusal = try await bench.refusal(
                of: "SELECT report_progress(\(id), \(unsafe: fraction), NULL, \(worker), \(fence))")
            #expect(refusal.state == "23514" && refusal.text.contains("progress_is_0_to_1"))
        }
    }

    @Test("A handler's progress is written at most once a second, its last value always, and goes with the job")
    func worker() async throws {
        try await JobBench.with { bench in
            try await bench.sql("CREATE TABLE written (at timestamptz, fraction double precision, message text)")
            try await bench.client.withConnection {
                try await $0.executeScript(
                    unsafe: """
                        CREATE FUNCTION write_down() RETURNS trigger LANGUAGE plpgsql AS
                        'BEGIN INSERT INTO written VALUES (clock_timestamp(), NEW.fraction, NEW.message); RETURN NULL; END';
                        CREATE TRIGGER write_down AFTER INSERT OR UPDATE ON progress_reports
                        FOR EACH ROW EXECUTE FUNCTION write_down();
                        """)
            }
            let (said, end) = (Gate(), Gate())
            var registry = JobRegistry()
            registry.register(Work.self) { _, context in
                for number in 0..<10_000 { context.progress(Double(number) / 20_000) }
                await said.pass()
                context.progress(2, "all\nof it\0")
                await end.pass()
                return .completed()
            }
            try await bench.withWorkers(registry) {
                let id = try await bench.queue.enqueue(Work())
                try await bench.until("SELECT count(*) = 1 FROM job_progress WHERE fraction = 9999 / 20000.0")
                said.open()
                try await bench.until(
                    "SELECT count(*) = 1 FROM job_progress WHERE job_id = \(id) AND fraction = 1 AND message = 'all of it '"
                )
                end.open()
                #expect(try await bench.end(of: id).state == .completed)
                #expect(try await bench.value("SELECT count(*) FROM job_progress") == 0)
                try await bench.until("SELECT count(*) = 0 FROM progress_reports")
            }
            let times: [Double] = try await bench.column(
                "SELECT extract(epoch FROM at)::float8 FROM written ORDER BY at")
            #expect((2...3).contains(times.count))
            // Less what the way of the first took longer than that of the second.
            #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 > 0.8 })
        }
    }

    @Test("A worker that starts forgets what dead runs have said")
    func pruningByWorkers() async throws {
        try await JobBench.with { bench in
            try await bench.sql(
                """
                INSERT INTO progress_reports (job_id, fence, fraction, reported_at)
                VALUES (999, 1, 0.5, now() - interval '1 h')
                """)
            try await bench.withWorkers(JobRegistry()) {
                try await bench.until("SELECT count(*) = 0 FROM progress_reports")
            }
        }
    }

    @Test("What a dead worker's run said is pruned; what a living run said is not")
    func pruning() async throws {
        try await JobBench.with { bench in
            try await bench.sql("SELECT enqueue_job('work') FROM generate_series(1, 2)")
            let worker = try await bench.registerWorker()
            for _ in 0..<2 {
                let (id, fence) = try await claim(bench, worker)
                try await bench.sql("SELECT report_progress(\(id), 0.5, NULL, \(worker), \(fence))")
            }
            try await bench.sql("UPDATE progress_reports SET reported_at = now() - interval '1 h'")
            try await bench.sql(
                "UPDATE progress_reports SET fence = fence - 1 WHERE job_id = (SELECT min(id) FROM jobs)")
            #expect(try await bench.value("SELECT prune_progress()") == 1)
            #expect(
                try await bench.column("SELECT job_id FROM progress_reports")
                    == bench.column("SELECT max(id) FROM jobs", JobID.self))
        }
    }
}

@Suite("When progress is written")
struct ProgressThrottleTests {
    private let start = ContinuousClock.now
    private func report(_ fraction: Double) -> ProgressThrottle.Report { .init(fraction: fraction, message: nil) }

    @Test("A run that is over before the first write writes nothing, and has nothing to take away")
    func shortRun() {
        var throttle = ProgressThrottle()
        #expect(throttle.report(report(0.5)) == true)
        #expect(throttle.next(at: start) == .rest(ProgressThrottle.gathering))
        #expect(throttle.end() == false)
        #expect(throttle.next(at: start + .milliseconds(1)) == .stop)
        #expect(throttle.report(report(1)) == false)
    }

    @Test("The newest value is written when its second is over, and none is written twice")
    func newest() {
        var throttle = ProgressThrottle()
        #expect(throttle.report(report(0.1)) == true)
        _ = throttle.next(at: start)
        #expect(throttle.report(report(0.2)) == false)
        let first = start + ProgressThrottle.gathering
        #expect(throttle.next(at: first) == .write(report(0.2)))
        throttle.written(isOurs: true)
        #expect(throttle.report(report(0.3)) == false)
        #expect(throttle.report(report(0.4)) == false)
        #expect(throttle.next(at: first + .milliseconds(1)) == .rest(.milliseconds(999)))
        #expect(throttle.next(at: first + .seconds(1)) == .write(report(0.4)))
        throttle.written(isOurs: true)
        #expect(throttle.next(at: first + .seconds(2)) == .stop)
        // After a pause the next one need not wait.
        #expect(throttle.report(report(0.5)) == true)
        #expect(throttle.next(at: first + .seconds(3)) == .write(report(0.5)))
    }

    @Test("A write that failed is done again a second later, unless there is something newer")
    func failure() {
        var throttle = ProgressThrottle()
        _ = throttle.report(report(0.1))
        _ = throttle.next(at: start)
        let first = start + ProgressThrottle.gathering
        _ = throttle.next(at: first)
        throttle.failed(report(0.1))
        #expect(throttle.next(at: first) == .rest(.seconds(1)))
        #expect(throttle.next(at: first + .seconds(1)) == .write(report(0.1)))
        _ = throttle.report(report(0.2))
        throttle.failed(report(0.1))
        #expect(throttle.next(at: first + .seconds(2)) == .write(report(0.2)))
    }

    @Test("What was written is taken away once, when the run ends or turns out to be stale", arguments: [true, false])
    func removal(isStale: Bool) {
        var throttle = ProgressThrottle()
        _ = throttle.report(report(0.1))
        _ = throttle.next(at: start)
        let first = start + ProgressThrottle.gathering
        _ = throttle.next(at: first)
        throttle.written(isOurs: !isStale)
        if !isStale {
            #expect(throttle.next(at: first + .seconds(1)) == .stop)
            // Nobody works on it: whoever ends it starts that.
            #expect(throttle.end() == true)
        }
        #expect(throttle.next(at: first + .seconds(2)) == .remove)
        #expect(throttle.end() == false)
        #expect(throttle.report(report(1)) == false)
    }
}
