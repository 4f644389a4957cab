import Jobs
import Postgres
import Testing

@Suite("Options as one JSON object", .timeLimit(.minutes(2)))
struct OptionsObjectTests {
    @Test("It takes every argument that there is by name, and null is as if left out")
    func complete() async throws {
        try await JobBench.with { bench in
            let names: [String] = try await bench.column(
                """
                SELECT name FROM pg_proc, unnest(proargnames) AS name
                WHERE proname = 'enqueue_job' AND pronargs > 3 AND name NOT IN ('kind', 'arguments')
                """)
            #expect(names.count >= 16)
            try await bench.sql("SELECT enqueue_job('work')")
            for name in names {
                try await bench.sql("SELECT enqueue_job('work', '{}', jsonb_build_object(\(name), NULL))")
            }
            #expect(try await bench.value(Self.differentJobs, Int.self) == 1)
        }
    }

    @Test("The same options make the same job, as an object and by name")
    func same() async throws {
        try await JobBench.with { bench in
            try await bench.sql("SELECT set_limit('l', slots => 1)")
            try await bench.sql(
                """
                SELECT enqueue_job('work', '{"name": "a"}', queue => 'q', priority => 7, run_at => '2100-01-01Z',
                    max_attempts => 3, start_within => '1 h', awaited => true, retry => '{"base": 2}', limits => '{l}',
                    holder => 'h', traceparent => '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
                """)
            try await bench.sql(
                """
                SELECT enqueue_job('work', '{"name": "a"}', options => '{"queue": "q", "priority": 7, "run_at": "2100-01-01Z",
                    "max_attempts": 3, "start_within": "1 h", "awaited": true, "retry": {"base": 2}, "limits": ["l"],
                    "holder": "h", "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}')
                """)
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == 2)
            #expect(try await bench.value(Self.differentJobs, Int.self) == 1)
        }
    }

    @Test("Keys, batches and dependencies are taken too")
    func references() async throws {
        try await JobBench.with { bench in
            let batch: JobID = try await bench.value("SELECT create_batch('work')")
            let first: JobID = try await bench.value(
                """
                SELECT enqueue_job('work', '{}', jsonb_build_object('key', 'k', 'unique_key', 'u', 'unique_for', '1 h',
                    'batch', \(batch)))
                """)
            let second: JobID = try await bench.value(
                """
                SELECT enqueue_job('work', '{}', jsonb_build_object('depends_on', ARRAY[\(first)], 'on_failure', 'run'))
                """)
            let found: Bool = try await bench.value(
                """
                SELECT key = 'k' AND unique_key = 'u' AND batch = \(batch) AND has_followers
                    AND EXISTS (SELECT FROM unique_periods WHERE unique_key = 'u' AND job_id = id)
                    AND EXISTS (SELECT FROM job_dependencies WHERE depends_on = id AND job_id = \(second) AND runs_anyway)
                FROM jobs WHERE id = \(first)
                """)
            #expect(found)
        }
    }

    private static let differentJobs: PostgresQuery = """
        SELECT count(DISTINCT to_jsonb(j) - '{id,claims,enqueued_at}'::text[]
            - CASE WHEN j.state = 'available' THEN 'run_at' ELSE '' END) FROM jobs j
        """
}
