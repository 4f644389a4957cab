import Jobs
import Platform
import Postgres
import Testing

@Suite("Discard", .timeLimit(.minutes(2)))
struct DiscardTests {
    @Test("A waiting job ends as cancelled, discarded, and lets the next of its key go")
    func waiting() async throws {
        try await JobBench.with { bench in
            let first: JobID = try await bench.value("SELECT enqueue_job('work', key => 'k')")
            try await bench.sql("SELECT enqueue_job('work', key => 'k')")
            #expect(try await bench.value("SELECT discard_job(\(first))"))
            #expect(
                try await bench.value(
                    "SELECT state = 'cancelled' AND error = 'discarded' FROM finished_jobs WHERE id = \(first)"))
            #expect(try await bench.value("SELECT state::text FROM jobs") == "available")
            #expect(try await bench.value("SELECT discard_job(\(first))") == false)
        }
    }

    @Test("A dead letter that was discarded keeps its error, and bulk retries pass it over")
    func dead() async throws {
        try await JobBench.with { bench in
            let id = try #require(try await bench.ended("failed").first)
            #expect(try await bench.column("SELECT discard_job(\(id)) FROM generate_series(1, 2)") == [true, false])
            #expect(try await bench.value("SELECT retry_failed()") == 0)
            #expect(try await bench.value("SELECT state = 'failed' AND error = 'broken' FROM finished_jobs"))
            // By its number it can still be retried: somebody has thought better of it.
            try await bench.sql("SELECT retry_job(\(id))")
            #expect(try await bench.value("SELECT discarded_at IS NULL FROM finished_jobs"))
        }
    }

    @Test("Discarding in bulk takes what was asked for and leaves the rest")
    func bulk() async throws {
        try await JobBench.with { bench in
            let mails = try await bench.ended("expired", count: 3, kind: "mail")
            let others = try await bench.ended("failed", count: 2, kind: "other")
            #expect(try await bench.value("SELECT discard_failed(kind => 'mail', at_most => 2)") == 2)
            #expect(try await bench.column("SELECT id FROM dead_jobs ORDER BY id") == [mails[2]] + others)
            #expect(try await bench.column("SELECT discard_failed() FROM generate_series(1, 2)") == [3, 0])
        }
    }

    @Test(
        "A running job, a completed one, a retried one and one that nobody knows are refused, with what to do instead")
    func refusals() async throws {
        try await JobBench.with { bench in
            let completed = try #require(try await bench.ended("completed").first)
            let running: JobID = try await bench.value("SELECT enqueue_job('work')")
            let worker = try await bench.registerWorker()
            try await bench.sql("SELECT claim_jobs(\(worker), 'default', ARRAY['work'], 1)")
            let retried = try #require(try await bench.ended("failed").first)
            let again: JobID = try await bench.value("SELECT retry_job(\(retried))")
            let cases = [
                (completed, "has completed"), (running, "cancel_job"), (retried, "as job \(again)"), (999, "no job"),
            ]
            for (id, words) in cases {
                let refusal = try await bench.refusal(of: "SELECT discard_job(\(id))")
                #expect(refusal.state == "22023" && refusal.text.contains(words))
            }
            #expect(try await bench.value("SELECT count(*) FROM jobs") == 2)
        }
    }

    @Test(
        "A job that ends while its key is waited for is discarded as the dead letter that it is, and its key is let go")
    func endedMeanwhile() async throws {
        try await JobBench.with { bench in
            let id: JobID = try await bench.value("SELECT enqueue_job('work', key => 'k')")
            try await bench.sql("SELECT enqueue_job('work', key => 'k')")
            let worker = try await bench.registerWorker()
            try await bench.sql("SELECT claim_jobs(\(worker), 'default', ARRAY['work'], 1)")
            let (discarded, looked) = (Gate(), Gate())
            let discarding = try await bench.client.withTransaction { connection in
                try await connection.query(
                    """
                    SELECT settle_jobs(\(worker), ARRAY[id], ARRAY[claims], '{failed}', '{""}', '{broken}', '{0}', true)
                    FROM jobs WHERE id = \(id)
                    """)
                let discarding = Task {
                    try await bench.client.withTransaction { connection in
                        let rows = try await connection.query("SELECT discard_job(\(id))")
                        discarded.open()
                        await looked.pass()
                        return try rows.first?.decode(Bool.self)
                    }
                }
                try await bench.untilSomebodyWaits()
                return discarding
            }
            await discarded.pass()
            // Whoever holds the dead letter's row and then needs its key must not wait for one who does it the other way.
            let key = try? await bench.sql("SELECT FROM job_keys WHERE key = 'k' FOR UPDATE NOWAIT")
            looked.open()
            #expect(key?.isEmpty == false)
            #expect(try await discarding.value == true)
            #expect(try await bench.value("SELECT state = 'failed' AND discarded_at IS NOT NULL FROM finished_jobs"))
        }
    }

    @Test("Discarding heads of keys while others enqueue and cancel them never deadlocks")
    func lockOrder() async throws {
        try await JobBench.with { bench in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<4 {
                    group.addTask {
                        for number in 0..<60 {
                            let id: JobID = try await bench.value(
                                "SELECT enqueue_job('work', key => 'k' || \(number) % 2)")
                            if task % 2 == 0 {
                                try await bench.sql("SELECT discard_job(\(id))")
                            } else {
                                try await bench.sql("SELECT cancel_job(\(id))")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await bench.value("SELECT count(*) FROM jobs") == 0)
            #expect(try await bench.value("SELECT count(*) FROM finished_jobs WHERE error = 'discarded'") == 120)
        }
    }
}
