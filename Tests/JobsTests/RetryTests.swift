import Jobs
import Platform
import Postgres
import Testing

@Suite("Retry", .timeLimit(.minutes(2)))
struct RetryTests {
    @Test("A job that waits for its time is available now, under its own number")
    func scheduled() async throws {
        try await JobBench.with { bench in
            let id: JobID = try await bench.value(
                "SELECT enqueue_job('work', run_at => now() + interval '1 h', start_within => interval '1 min')")
            #expect(try await bench.value("SELECT retry_job(\(id))", JobID.self) == id)
            #expect(
                try await bench.value(
                    "SELECT state = 'available' AND run_at <= clock_timestamp() AND start_by > now() FROM jobs"))
            // It is available already: nothing more to do.
            #expect(try await bench.value("SELECT retry_job(\(id))", JobID.self) == id)
        }
    }

    @Test(
        "An ended job is enqueued again as it was, and each of the two names the other",
        arguments: ["failed", "expired", "cancelled"])
    func ended(state: String) async throws {
        try await JobBench.with { bench in
            let old = try #require(try await bench.ended(state, queue: "calls", key: "k", uniqueKey: "u").first)
            let new: JobID = try await bench.value("SELECT retry_job(\(old))")
            #expect(new != old)
            #expect(
                try await bench.value(
                    """
                    SELECT j.state = 'available' AND j.kind = f.kind AND j.queue = f.queue AND j.key = f.key
                        AND j.unique_key = f.unique_key AND j.priority = f.priority AND j.arguments = f.arguments
                        AND j.max_attempts = f.max_attempts AND j.attempt = 0 AND f.retried_as = j.id
                    FROM jobs j CROSS JOIN finished_jobs f WHERE j.id = \(new) AND f.id = \(old)
                    """))
        }
    }

    @Test("A retried job needs the limits of the first one, and has its retry policy and its trace")
    func options() async throws {
        try await JobBench.with { bench in
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            try await bench.sql("SELECT set_limit('line', 1)")
            let before: JobID = try await bench.value("SELECT enqueue_job('other')")
            func enqueue(after ids: [JobID]?) async throws -> JobID {
                try await bench.value(
                    """
                    SELECT enqueue_job('work', limits => '{line}', holder => 'call:7', retry => '{"base": 9}',
                        traceparent => \(trace), depends_on => \(ids))
                    """)
            }
            // One that fails in a worker, one that is cancelled, one whose predecessor is.
            let failed = try await enqueue(after: nil)
            let worker = try await bench.registerWorker()
            try await bench.sql("SELECT claim_jobs(\(worker), 'default', ARRAY['work'], 1)")
            try await bench.sql(
                """
                SELECT settle_jobs(\(worker), ARRAY[id], ARRAY[claims], '{failed}', '{""}', '{broken}', '{0}', true)
                FROM jobs WHERE id = \(failed)
                """)
            let cancelled = try await enqueue(after: nil)
            try await bench.sql("SELECT cancel_job(\(cancelled))")
            let doomed = try await enqueue(after: [before])
            try await bench.sql("SELECT cancel_job(\(before))")
            // Else the retried ones, whose holder has the slot, need not wait for it.
            try await bench.sql("SELECT release_slots('call:7')")

            for ended in [failed, cancelled, doomed] {
                let again: JobID = try await bench.value("SELECT retry_job(\(ended))")
                #expect(
                    try await bench.value(
                        """
                        SELECT j.state = 'limited' AND l.limits = '{line}' AND holder = 'call:7'
                            AND options = jsonb_build_object('retry', '{"base": 9}'::jsonb, 'traceparent', \(trace))
                        FROM jobs j JOIN job_lanes l ON l.id = j.lane WHERE j.id = \(again)
                        """))
            }
        }
    }

    @Test("A retried job runs, and those who listen hear of it")
    func runs() async throws {
        try await JobBench.with { bench in
            var registry = JobRegistry()
            registry.register(Work.self, retry: .atOnce) { _, context in
                if try await bench.value("SELECT count(*) = 0 FROM finished_jobs", Bool.self) { throw Broken() }
                return .completed(["job": .integer(context.id)])
            }
            try await bench.withWorkers(registry) {
                let old = try await bench.queue.enqueue(Work(name: "again"), .with { $0.maximumAttempts = 2 })
                #expect(try await bench.end(of: old).state == .failed)
                let new: JobID = try await bench.value("SELECT retry_job(\(old))")
                #expect(try await bench.end(of: new).result == ["job": .integer(new)])
            }
        }
    }

    @Test(
        "A completed job, a running one, one that waits for others and one that nobody knows are refused, with what to do instead"
    )
    func refusals() async throws {
        try await JobBench.with { bench in
            let completed = try #require(try await bench.ended("completed").first)
            let running: JobID = try await bench.value("SELECT enqueue_job('work')")
            let worker = try await bench.registerWorker()
            try await bench.sql("SELECT claim_jobs(\(worker), 'default', ARRAY['work'], 1)")
            let waiting: JobID = try await bench.value("SELECT enqueue_job('work', depends_on => ARRAY[\(running)])")
            let cases = [
                (completed, "enqueue_job"), (running, "cancel_job"), (waiting, "waits for the ends"),
                (999, "finished_jobs"),
            ]
            for (id, words) in cases {
                let refusal = try await bench.refusal(of: "SELECT retry_job(\(id))")
                #expect(refusal.state == "22023")
                #expect(refusal.text.contains("job \(id)") && refusal.text.contains(words))
            }
            #expect(
                try await bench.value("SELECT array_agg(state::text ORDER BY id) FROM jobs") == ["running", "waiting"])
        }
    }

    @Test("Ten who retry the same job at once make one job of it, and all learn its number")
    func concurrently() async throws {
        try await JobBench.with { bench in
            let old = try #require(try await bench.ended("failed").first)
            let ids = try await withThrowingTaskGroup(of: JobID.self) { group in
                for _ in 0..<10 { group.addTask { try await bench.value("SELECT retry_job(\(old))") } }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await bench.column("SELECT id FROM jobs") == Array(ids))
        }
    }

    @Test("A retried job stands behind the jobs of its key that wait already")
    func key() async throws {
        try await JobBench.with { bench in
            let old = try #require(try await bench.ended("failed", key: "k").first)
            let first: JobID = try await bench.value("SELECT enqueue_job('work', key => 'k')")
            let again: JobID = try await bench.value("SELECT retry_job(\(old))")
            #expect(try await bench.value("SELECT state::text FROM jobs WHERE id = \(again)") == "blocked")
            try await bench.sql("SELECT cancel_job(\(first))")
            #expect(try await bench.value("SELECT state::text FROM jobs WHERE id = \(again)") == "available")
        }
    }

    @Test("A unique key that another job has by now stays with that one: the retried job goes without")
    func uniqueKey() async throws {
        try await JobBench.with { bench in
            let old = try #require(try await bench.ended("failed", uniqueKey: "u").first)
            let holder: JobID = try await bench.value("SELECT enqueue_job('work', unique_key => 'u')")
            let again: JobID = try await bench.value("SELECT retry_job(\(old))")
            #expect(again != holder)
            #expect(try await bench.value("SELECT unique_key IS NULL FROM jobs WHERE id = \(again)"))
            #expect(try await bench.value("SELECT unique_key FROM jobs WHERE id = \(holder)") == "u")
        }
    }

    @Test("A unique key that another transaction takes meanwhile is waited for, and the job is not lost")
    func uniqueKeyTakenMeanwhile() async throws {
        try await JobBench.with { bench in
            let old = try #require(try await bench.ended("failed", uniqueKey: "u").first)
            let retrying = try await bench.client.withTransaction { connection in
                try await connection.query("SELECT enqueue_job('work', unique_key => 'u')")
                let retrying = Task { try await bench.value("SELECT retry_job(\(old))", JobID.self) }
                try await bench.untilSomebodyWaits()
                return retrying
            }
            let again = try await retrying.value
            #expect(
                try await bench.column("SELECT unique_key IS NULL FROM jobs ORDER BY id = \(again)") == [false, true])
        }
    }
}
