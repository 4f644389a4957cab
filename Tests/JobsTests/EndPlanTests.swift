import Postgres
import TestSupport
import Testing

@Suite("The plan of an end", .timeLimit(.minutes(2)))
struct EndPlanTests {
    @Test("Jobs are ended by reading them alone, though nothing ran when the table was analyzed")
    func readsItsOwn() async throws {
        try await JobBench.with { bench in
            let worker = try await bench.registerWorker()
            try await bench.sql("INSERT INTO jobs (kind) SELECT 'work' FROM generate_series(1, 5000)")
            try await bench.sql("ANALYZE jobs")
            try await bench.sql("SELECT FROM claim_jobs(\(worker), 'default', ARRAY['work'], 500)")
            let (_, rows) = try await bench.reads(
                of: """
                    SELECT complete_jobs(\(worker), array_agg(id), array_agg(claims))
                    FROM (SELECT id, claims FROM jobs WHERE worker = \(worker) AND state = 'running') AS mine
                    """)
            // Once to name them here, and once to end them.
            #expect(rows < 3 * 500)
            #expect(try await bench.value("SELECT count(*) FROM finished_jobs", Int.self) == 500)
        }
    }
}
