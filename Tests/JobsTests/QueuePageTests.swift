import Jobs
import Platform
import Postgres
import TestSupport
import Testing

@Suite("The page on the queue", .timeLimit(.minutes(2)))
struct QueuePageTests {
    /// Everything that is under way has ended or, in `import`, says how far it is.
    private static let untilQuiet = """
        DO $$ BEGIN
            WHILE EXISTS (
                SELECT FROM jobs j LEFT JOIN job_lanes l ON l.id = j.lane
                WHERE j.queue = 'default' AND (j.state = 'available'
                    OR j.state = 'running' AND (j.cancel_requested OR j.id NOT IN (SELECT p.job_id FROM job_progress p))
                    OR j.state = 'limited' AND NOT EXISTS (SELECT FROM job_limits m WHERE m.name = ANY (l.limits)
                        AND m.slots <= (SELECT count(*) FROM job_slots s WHERE s.limit_name = m.name))))
            LOOP PERFORM pg_sleep(0.01); END LOOP;
        END $$;
        """

    @Test("Every SQL example runs in psql as it stands, in its order, and prints what the page says")
    func examples() async throws {
        let examples = try DocumentationPage("jobs.md").examples
        #expect(examples.count > 20)
        try await JobBench.with { bench in
            let printed = try await bench.withWorkers(Self.handlers()) {
                try await Psql.run(examples.map(\.sql), between: Self.untilQuiet, on: bench.url)
            }
            for (example, printed) in zip(examples, printed) {
                guard let output = example.output else { continue }
                #expect(printed == Psql.tidied(output), "\(example.sql)")
            }
            #expect(printed.count == examples.count + 1, "the session ended before the page")
        }
    }

    @Test("What bad input gets is what the page says, with a hint, and nothing is enqueued")
    func refusals() async throws {
        let rows = try DocumentationPage("jobs.md").codeCells(inTablesOf: "In SQL")
        let refusals = rows.filter { $0.count == 3 && $0[0]?.hasPrefix("SELECT ") == true }
        #expect(refusals.count > 10)
        try await JobBench.with { bench in
            for refusal in refusals {
                let (statement, state, message) = (refusal[0] ?? "", refusal[1] ?? "", refusal[2] ?? "")
                let said = try await bench.refusal(of: PostgresQuery(unsafe: statement))
                #expect(said.state == state && (state.hasPrefix("22") || state.hasPrefix("23")), "\(statement)")
                #expect(said.text.hasPrefix(message + ". ") && !said.text.hasSuffix("no hint"), "\(statement)")
            }
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == 0)
        }
    }

    @Test("The page names every argument of enqueue_job, and every state")
    func names() async throws {
        let page = try DocumentationPage("jobs.md")
        let arguments = Set(page.codeCells(inTablesOf: "In SQL").compactMap { $0.first ?? nil })
        let states = page.section("States")
        try await JobBench.with { bench in
            let names: [String] = try await bench.column(
                """
                SELECT DISTINCT unnest(proargnames) FROM pg_proc WHERE proname = 'enqueue_job'
                    AND 'options' <> ALL (proargnames)
                """)
            #expect(names.count >= 18)
            for name in names { #expect(arguments.contains(name), "\(name) is not on the page") }
            for state: String in try await bench.column("SELECT unnest(enum_range(NULL::job_state))::text") {
                #expect(states.contains(state), "\(state) is not on the page")
            }
        }
    }

    private static func handlers() -> JobRegistry {
        var registry = JobRegistry()
        registry.register(Transcribe.self) { job, _ in .completed(["words": .integer(Int64(job.call))]) }
        registry.register(Summarize.self) { _, _ in .completed() }
        registry.register(Report.self) { _, _ in .completed() }
        registry.register(Dial.self) { _, _ in .completed() }
        registry.register(SendEmail.self) { _, _ in throw NoMailServer() }
        registry.register(Import.self) { _, context in
            context.progress(0.5, "500 of 1000 rows")
            try await Task.sleep(for: .seconds(3600))
            return .completed()
        }
        return registry
    }

    private struct Transcribe: Job {
        static let kind = "transcribe"
        var call = 0
    }
    private struct Summarize: Job { static let kind = "summarize" }
    private struct Report: Job { static let kind = "report" }
    private struct Dial: Job { static let kind = "dial" }
    private struct SendEmail: Job { static let kind = "send_email" }
    private struct Import: Job { static let kind = "import" }
    private struct NoMailServer: Error, CustomStringConvertible { let description = "no mail server" }
}
