import FoundationEssentials
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

/// Two versions side by side, as in a deploy: one knows a kind that the other does not.
@Suite("Versions side by side", .timeLimit(.minutes(2)))
struct VersionsTests {
    /// Runs a worker of the old version during `body`, and lets it look after the queue several times before and after.
    private func withOldVersion(_ bench: JobBench, _ body: () async throws -> Void) async throws {
        var old = JobRegistry()
        old.register(Work.self) { _, _ in .completed() }
        try await bench.withWorkers(old) {
            try await sweeps(bench)
            try await body()
        }
    }

    /// Returns once the workers have swept: each ends a doomed job of a kind that they know.
    private func sweeps(_ bench: JobBench) async throws {
        for _ in 0..<3 {
            let late = try await bench.queue.enqueue(
                Work(),
                .with {
                    $0.startWithin = .seconds(1)
                    $0.runAt = Date(timeIntervalSinceNow: 3_600)
                })
            try await bench.sql("UPDATE jobs SET start_by = now() WHERE id = \(late)")
            #expect(try await bench.end(of: late).state == .expired)
        }
    }

    /// A job of the new kind, as its third worker in a row left it, or its last attempt.
    private func doomed(_ bench: JobBench, _ change: PostgresQuery) async throws -> JobID {
        let id = try await bench.queue.enqueue(Other(number: 2))
        let dead = try await bench.registerWorker()
        try await bench.sql("SELECT count(*) FROM claim_jobs(\(dead), 'default', ARRAY['other'], 1)")
        try await bench.sql(change)
        try await bench.sql("DELETE FROM workers WHERE id = \(dead)")
        return id
    }

    private func newVersion(_ failures: Journal<Int>) -> JobRegistry {
        var new = JobRegistry()
        new.register(Work.self) { _, _ in .completed() }
        new.register(
            Other.self, onFailure: { job, _, _ in failures.record(job.number) },
            handler: { _, context in .completed(.integer(Int64(context.attempt))) })
        return new
    }

    @Test(
        "A worker neither runs, nor ends, nor expires a kind that it does not know, and one that knows it does all three"
    )
    func unknownKind() async throws {
        try await JobBench.with { bench in
            let poison = try await doomed(bench, "UPDATE jobs SET rescues = 2 WHERE kind = 'other'")
            let toRun = try await bench.queue.enqueue(Other(number: 1))
            let late = try await bench.queue.enqueue(Other(number: 3), .with { $0.startWithin = .zero })
            try await withOldVersion(bench) {
                let known = try await bench.queue.enqueue(Work())
                #expect(try await bench.end(of: known).state == .completed)
                try await sweeps(bench)
                let left: [String] = try await bench.column(
                    "SELECT id || ' ' || state FROM jobs WHERE kind = 'other' ORDER BY id")
                #expect(left == ["\(poison) running", "\(toRun) available", "\(late) available"])

                let failures = Journal<Int>()
                try await bench.withWorkers(newVersion(failures)) {
                    let states = try await [bench.end(of: toRun), bench.end(of: poison), bench.end(of: late)].map(
                        \.state)
                    #expect(states == [.completed, .failed, .expired])
                }
                #expect(failures.entries.sorted() == [2, 3])
            }
        }
    }

    @Test("A job of the new kind whose worker is killed waits for the new version, whoever rescues it")
    func rescuedByTheOther() async throws {
        try await JobBench.with { bench in
            let id = try await doomed(bench, "SELECT 1")
            try await withOldVersion(bench) {
                // Given back by the old version, which leaves it at that.
                try await bench.until("SELECT state = 'available' AND rescues = 1 FROM jobs WHERE id = \(id)")
                try await sweeps(bench)
                #expect(try await bench.value("SELECT attempt FROM jobs WHERE id = \(id)", Int.self) == 1)
                try await bench.withWorkers(newVersion(Journal())) {
                    let end = try await bench.end(of: id)
                    #expect(end.result == 2)
                }
            }
        }
    }
}
