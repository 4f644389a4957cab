import Platform
import Postgres
import TestSupport
import Testing

/// The table of docs/jobs.md in which each command has its SQL beside it.
@Suite("The page on operating the queue", .timeLimit(.minutes(3)))
struct OperatingPageTests {
    struct Example: Sendable, CustomStringConvertible {
        let command: String
        let sql: String
        var description: String { command }
    }

    private static let examples: [Example] = {
        let rows = (try? DocumentationPage("jobs.md").codeCells(inTablesOf: "Operating")) ?? []
        return rows.compactMap { cells in
            guard cells.count == 3, let command = cells[1], let sql = cells[2] else { return nil }
            return Example(command: command, sql: sql)
        }
    }()

    @Test("There is an example of every command")
    func complete() {
        let commands =
            ["queues list", "queues pause", "queues resume"]
            + ["list", "show", "retry", "cancel", "discard", "watch"].map { "jobs \($0)" }
        for command in commands {
            #expect(Self.examples.contains { $0.command.hasPrefix("operadora \(command)") }, "\(command)")
        }
    }

    @Test("Each command, and the SQL beside it, run as they stand and leave the same behind", arguments: examples)
    func same(example: Example) async throws {
        let isPaused = example.command.contains("resume")
        let (first, second) = (try await fixture(isPaused: isPaused), try await fixture(isPaused: isPaused))
        let before = try await state(of: first)
        let run = try await first.run(example.command.split(separator: " ").dropFirst().map(String.init))
        #expect(run.exit == .status(0), "\(run.error)")
        let rows = try await second.sql(PostgresQuery(unsafe: example.sql))
        let isLook = ["list", "show", "watch"].contains { example.command.contains(" \($0)") }
        let after = try await state(of: first)
        #expect(try await after == state(of: second))
        #expect((after == before) == isLook)
        // What looks has something to see.
        #expect(rows.isEmpty == example.sql.hasSuffix("job_progress"))
    }

    /// A queue `calls` with a job that waits and a dead letter, and others elsewhere.
    private func fixture(isPaused: Bool) async throws -> CommandBench {
        let bench = try await CommandBench()
        try await bench.sql("SELECT register_worker('w', ARRAY['calls', 'default'], ARRAY['work'], interval '1 h')")
        try await bench.sql(
            """
            INSERT INTO jobs (id, kind, queue, state, run_at, arguments) OVERRIDING SYSTEM VALUE
            VALUES (42, 'work', 'calls', 'scheduled', now() + interval '1 h', '{}')
            """)
        try await bench.sql("SELECT setval(pg_get_serial_sequence('jobs', 'id'), 100)")
        if isPaused { try await bench.sql("SELECT pause_queue('calls')") }
        try await bench.ended(41, "failed")
        for id in 51...53 { try await bench.ended(Int64(id), "expired", kind: "send_email", queue: "default") }
        return bench
    }

    private func state(of bench: CommandBench) async throws -> JSON {
        try await bench.value(
            """
            SELECT jsonb_build_object(
                'jobs', (SELECT jsonb_agg(jsonb_build_array(id, kind, queue, state, cancel_requested) ORDER BY id) FROM jobs),
                'finished', (SELECT jsonb_agg(jsonb_build_array(id, state, error, retried_as, discarded_at IS NULL)
                    ORDER BY id) FROM finished_jobs),
                'paused', (SELECT jsonb_agg(name ORDER BY name) FROM queues WHERE paused_at IS NOT NULL))
            """)
    }
}
