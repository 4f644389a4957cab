import Jobs
import Platform
import Postgres
import Testing

@Suite("Dead letters", .timeLimit(.minutes(2)))
struct DeadLetterTests {
    @Test("What failed or expired is a dead letter until it is retried or discarded")
    func list() async throws {
        try await JobBench.with { bench in
            let failed = try await bench.ended("failed", count: 3)
            let expired = try await bench.ended("expired")
            for state in ["completed", "cancelled"] { try await bench.ended(state) }
            let dead: PostgresQuery = "SELECT id FROM dead_jobs ORDER BY id"
            #expect(try await bench.column(dead) == failed + expired)
            try await bench.sql("SELECT retry_job(\(failed[0])), discard_job(\(failed[1]))")
            #expect(try await bench.column(dead) == [failed[2]] + expired)
            // What dies again is a dead letter again, under its new number.
            try await bench.sql("SELECT cancel_job(id) FROM jobs")
            try await bench.sql("UPDATE finished_jobs SET state = 'failed' WHERE state = 'cancelled' AND attempt = 0")
            #expect(try await bench.column(dead, JobID.self).count == 3)
        }
    }

    @Test("Retrying them in bulk takes the oldest first, and only those of the kind, the queue and the time asked for")
    func filters() async throws {
        try await JobBench.with { bench in
            let mails = try await bench.ended("failed", count: 10, kind: "mail", queue: "slow")
            try await bench.ended("failed", count: 2, kind: "mail")
            try await bench.ended("expired", count: 2, kind: "other", queue: "slow")
            let since: PostgresQuery = "SELECT finished_at::text FROM finished_jobs WHERE id = \(mails[4])"
            let time: String = try await bench.value(since)
            #expect(
                try await bench.value(
                    "SELECT retry_failed(kind => 'mail', queue => 'slow', since => \(time)::timestamptz, at_most => 4)")
                    == 4)
            let retried: PostgresQuery = "SELECT id FROM finished_jobs WHERE retried_as IS NOT NULL ORDER BY retried_as"
            #expect(try await bench.column(retried) == Array(mails[4..<8]))
            #expect(try await bench.value("SELECT retry_failed(kind => 'mail')") == 8)
            #expect(try await bench.value("SELECT retry_failed(queue => 'slow')") == 2)
            #expect(try await bench.value("SELECT count(*) FROM dead_jobs") == 0)
        }
    }

    @Test("Repeating it enqueues nothing twice")
    func repeated() async throws {
        try await JobBench.with { bench in
            try await bench.ended("failed", count: 5)
            #expect(try await bench.column("SELECT retry_failed() FROM generate_series(1, 3)") == [5, 0, 0])
            #expect(try await bench.value("SELECT count(*) FROM jobs") == 5)
        }
    }

    @Test("Another's retries that are not committed yet are passed over, and are not retried when they are")
    func uncommitted() async throws {
        try await JobBench.with { bench in
            try await bench.ended("failed", count: 10)
            try await bench.client.withTransaction { connection in
                let mine = try await connection.query("SELECT retry_failed(at_most => 6)").first?.decode(Int.self)
                #expect(mine == 6)
                #expect(try await bench.value("SELECT retry_failed()") == 4)
            }
            #expect(try await bench.value("SELECT retry_failed()") == 0)
            #expect(try await bench.value("SELECT count(DISTINCT arguments) = 10 AND count(*) = 10 FROM jobs"))
        }
    }

    @Test("Many who retry at once, with keys and unique keys in any order, retry each dead job once and never deadlock")
    func concurrently() async throws {
        try await JobBench.with { bench in
            try await bench.ended("failed", count: 600)
            // Neighbours have keys far apart, so that every batch holds many of them.
            try await bench.sql(
                """
                UPDATE finished_jobs SET key = CASE WHEN id % 3 < 2 THEN 'k' || id * 7919 % 20 END,
                    unique_key = CASE WHEN id % 3 = 2 THEN 'u' || id * 104729 % 600 END
                """)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        while try await bench.value("SELECT retry_failed(at_most => 25)", Int.self) > 0 {}
                    }
                }
                group.addTask {
                    // Enqueueing and ending take the same locks.
                    for number in 0..<100 {
                        try await bench.sql("SELECT cancel_job(enqueue_job('work', key => 'k' || \(number) % 20))")
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await bench.value("SELECT retry_failed()") == 0)
            #expect(try await bench.value("SELECT count(*) FROM jobs") == 600)
            #expect(try await bench.value("SELECT count(DISTINCT retried_as) FROM finished_jobs") == 600)
        }
    }

    @Test("Two who retry the same dead jobs in one moment retry each of them once")
    func twoAtOnce() async throws {
        try await JobBench.with { bench in
            try await bench.ended("failed", count: 500)
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<2 { group.addTask { try await bench.value("SELECT retry_failed()") } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            // One that finds rows locked passes them over.
            #expect(counts.reduce(0, +) == 500)
            #expect(try await bench.value("SELECT count(DISTINCT arguments) = 500 AND count(*) = 500 FROM jobs"))
        }
    }

    @Test("A number of jobs that is out of range is refused", arguments: [0, -1, 100_001])
    func atMost(count: Int32) async throws {
        try await JobBench.with { bench in
            for function in ["retry_failed", "discard_failed"] {
                let refusal = try await bench.refusal(of: "SELECT \(unsafe: function)(at_most => \(count))")
                #expect(refusal.state == "22023" && refusal.text.contains("at_most is \(count)"))
            }
        }
    }

    @Test("Among 100,000 ended jobs, only the dead ones are read, by their index")
    func index() async throws {
        try await JobBench.with { bench in
            for state in ["completed", "cancelled"] { try await bench.ended(state, count: 50_000) }
            try await bench.ended("failed", count: 20)
            let plan = try await bench.column(
                "EXPLAIN SELECT * FROM dead_jobs ORDER BY finished_at DESC LIMIT 20", String.self)
            #expect(!plan.contains { $0.contains("Seq Scan") })
            let statements: [PostgresQuery] = [
                "SELECT * FROM dead_jobs ORDER BY finished_at DESC LIMIT 20", "SELECT retry_failed(at_most => 10)",
                "SELECT discard_failed(at_most => 10)",
            ]
            for statement in statements {
                let reads = try await bench.reads(of: statement)
                #expect(reads.sequentialScans == 0)
                // Each is found, locked and changed.
                #expect(reads.rows <= 100)
            }
        }
    }
}
