import FoundationEssentials
import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("Enqueue", .timeLimit(.minutes(2)))
struct EnqueueTests {
    @Test("A job enqueued in a transaction exists exactly if it commits")
    func transactional() async throws {
        try await JobBench.with { bench in
            let committed = try await bench.client.withTransaction { try await bench.queue.enqueue(Work(), in: $0) }
            await #expect(throws: Broken.self) {
                try await bench.client.withTransaction { connection in
                    try await bench.queue.enqueue(Work(), in: connection)
                    throw Broken()
                }
            }
            let ids: [JobID] = try await bench.column("SELECT id FROM jobs")
            #expect(ids == [committed])
        }
    }

    @Test("SQL launchers enqueue from any SELECT")
    func fromSelect() async throws {
        try await JobBench.with { bench in
            try await bench.sql(
                """
                SELECT enqueue_job('work', jsonb_build_object('name', 'n' || n), priority => n)
                FROM generate_series(1, 3) AS n
                """)
            let rows = try await bench.sql("SELECT arguments->>'name', priority, state::text FROM jobs ORDER BY id")
            let found = try rows.map { row in
                let (name, priority, state) = try row.decode(String.self, Int.self, String.self)
                return "\(name) \(priority) \(state)"
            }
            #expect(found == ["n1 1 available", "n2 2 available", "n3 3 available"])
        }
    }

    @Test("Bulk enqueue by COPY keeps every character of the arguments")
    func copyKeepsArguments() async throws {
        try await JobBench.with { bench in
            let names = ["tab\tline\nreturn\rquote\"backslash\\", #"\N"#, "\\.", "ñandú 😀", ""]
            try await bench.queue.enqueue(all: names.map(Work.init), .with { $0.priority = 7 })
            let rows = try await bench.sql("SELECT arguments->>'name', priority, max_attempts FROM jobs ORDER BY id")
            #expect(try rows.map { try $0.decode(String.self) } == names)
            #expect(try rows.allSatisfy { try $0.decode(String.self, Int.self, Int.self).2 == 5 })
        }
    }

    @Test("Bulk enqueue with a key keeps the order")
    func bulkWithKey() async throws {
        try await JobBench.with { bench in
            try await bench.queue.enqueue(all: (0..<50).map { Work(name: "\($0)") }, .with { $0.key = "k" })
            let rows = try await bench.sql("SELECT arguments->>'name', state::text FROM jobs ORDER BY id")
            let found = try rows.map { try $0.decode(String.self, String.self) }
            #expect(found.map(\.0) == (0..<50).map(String.init))
            #expect(found.map(\.1) == ["available"] + Array(repeating: "blocked", count: 49))
        }
    }

    @Test("A unique key names one job until that ends, then it is free again")
    func uniqueKey() async throws {
        try await JobBench.with { bench in
            let options = JobOptions.with { $0.uniqueKey = "only" }
            let first = try await bench.queue.enqueue(Work(name: "first"), options)
            let second = try await bench.queue.enqueue(Work(name: "second"), options)
            #expect(second == first)
            #expect(try await bench.queue.cancel(first))
            #expect(try await bench.queue.enqueue(Work(name: "third"), options) != first)
            #expect(try await bench.value("SELECT arguments->>'name' FROM jobs", String.self) == "third")
        }
    }

    @Test("Of many that enqueue one unique key at once, all get the same job")
    func uniqueUnderConcurrency() async throws {
        try await JobBench.with { bench in
            let ids = try await withThrowingTaskGroup(of: JobID.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        try await bench.queue.enqueue(
                            Work(),
                            .with {
                                $0.uniqueKey = "only"
                                $0.key = "k"
                            })
                    }
                }
                return try await group.reduce(into: Set<JobID>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == 1)
        }
    }

    @Test(
        "What is out of its limits is refused by a constraint that says so",
        arguments: [
            ("SELECT enqueue_job('')", "job_kind_is_1_to_100_bytes"),
            ("SELECT enqueue_job(repeat('k', 101))", "job_kind_is_1_to_100_bytes"),
            ("SELECT enqueue_job('work', queue => repeat('q', 101))", "job_queue_is_1_to_100_bytes"),
            ("SELECT enqueue_job('work', key => repeat('k', 201))", "job_key_is_1_to_200_bytes"),
            ("SELECT enqueue_job('work', unique_key => '')", "job_unique_key_is_1_to_200_bytes"),
            ("SELECT enqueue_job('work', priority => -1)", "job_priority_is_0_to_32767"),
            ("SELECT enqueue_job('work', max_attempts => 0)", "job_max_attempts_is_1_to_1000"),
            (
                "SELECT enqueue_job('work', jsonb_build_object('a', repeat('x', 1048577)))",
                "job_arguments_are_at_most_1_mib"
            ),
        ])
    func limits(_ statement: String, _ constraint: String) async throws {
        try await JobBench.with { bench in
            let error = await #expect(throws: PostgresError.self) {
                try await bench.client.query(PostgresQuery(unsafe: statement))
            }
            #expect(error?.constraint == constraint)
            let count: Int = try await bench.value("SELECT count(*) FROM jobs")
            #expect(count == 0)
        }
    }

    @Test("A negative start deadline is refused with a hint")
    func negativeDeadline() async throws {
        try await JobBench.with { bench in
            let error = await #expect(throws: PostgresError.self) {
                try await bench.queue.enqueue(Work(), .with { $0.startWithin = .seconds(-1) })
            }
            #expect(error?.sqlState == "22023")
            #expect(error?.hint?.isEmpty == false)
        }
    }

    @Test("A key whose jobs were deleted by hand heals with the next job")
    func deletedByHand() async throws {
        try await JobBench.with { bench in
            try await bench.queue.enqueue(Work(), .with { $0.key = "k" })
            try await bench.sql("DELETE FROM jobs")
            try await bench.queue.enqueue(Work(), .with { $0.key = "k" })
            #expect(try await bench.value("SELECT state::text FROM jobs", String.self) == "available")
        }
    }

    @Test("Migrating down takes all of it away")
    func down() async throws {
        try await JobBench.with { bench in
            let files = try FileManager.default.contentsOfDirectory(atPath: TestDatabase.migrations)
            let downs = files.filter { $0.hasSuffix(".down.sql") }.sorted(by: >)
            try await bench.client.withConnection { connection in
                try await connection.query("BEGIN")
                for file in downs {
                    let sql = try Data(contentsOf: URL(filePath: TestDatabase.migrations).appending(path: file))
                    try await connection.executeScript(unsafe: String(decoding: sql, as: UTF8.self))
                }
                let left: PostgresQuery = """
                    SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
                        AND relname ~ '^(jobs|queues|workers|finished_jobs|job_keys|schedule_ticks)'
                    """
                let row = try #require(try await connection.query(left).first)
                let count = try row.decode(Int.self)
                #expect(count == 0)
                try await connection.query("ROLLBACK")
            }
        }
    }
}
