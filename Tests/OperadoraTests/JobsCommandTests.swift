import Glibc
import Platform
import Postgres
import Testing

@testable import operadora

@Suite("operadora jobs", .timeLimit(.minutes(2)))
struct JobsCommandTests {
    @Test("Waiting and running jobs are listed, the newest first, by queue, kind, state and key")
    func list() async throws {
        let bench = try await CommandBench()
        try await bench.sql("SELECT enqueue_job('work', queue => 'calls', key => 'a')")
        try await bench.sql("SELECT enqueue_job('mail', queue => 'calls', run_at => now() + interval '1 h')")
        try await bench.sql("SELECT enqueue_job('work', queue => 'default')")
        func ids(_ arguments: String...) async throws -> [Int64] {
            let rows = try await bench.run(["jobs", "list", "--json"] + arguments).json.array
            return try #require(rows).compactMap { $0["id"]?.integer }
        }
        #expect(try await ids() == [3, 2, 1])
        #expect(try await ids("--queue", "calls") == [2, 1])
        #expect(try await ids("--kind", "work") == [3, 1])
        #expect(try await ids("--state", "scheduled") == [2])
        #expect(try await ids("--key", "a") == [1])
        #expect(try await ids("--limit", "1") == [3])
        #expect(try await ids("--state", "completed") == [])
    }

    @Test("Ended jobs are listed by their state, dead letters without what was dealt with")
    func ended() async throws {
        let bench = try await CommandBench()
        for (id, state) in [(41, "failed"), (42, "expired"), (43, "completed"), (44, "cancelled"), (45, "failed")] {
            try await bench.ended(Int64(id), state)
        }
        try await bench.sql("SELECT discard_job(45)")
        let expected: [(String, [Int64])] = [
            ("failed", [45, 41]), ("expired", [42]), ("completed", [43]), ("cancelled", [44]), ("dead", [42, 41]),
        ]
        for (state, ids) in expected {
            let rows = try await bench.run("jobs", "list", "--state", state, "--json").json.array
            #expect(rows?.compactMap { $0["id"]?.integer } == ids, "\(state)")
        }
    }

    @Test("A list cuts arguments to a width; one job is shown with all of them, its progress and its worker")
    func show() async throws {
        let bench = try await CommandBench()
        let text = String(repeating: "long ", count: 100)
        try await bench.sql("SELECT enqueue_job('work', jsonb_build_object('text', \(text)))")
        let line = try #require(try await bench.run("jobs", "list").output.split(separator: "\n").last)
        #expect(line.hasSuffix("…") && line.count < 160)
        try await bench.sql("SELECT register_worker('host:1', ARRAY['default'], ARRAY['work'], interval '1 h')")
        try await bench.sql(
            """
            SELECT report_progress(id, 0.455, 'half of it', 1, claims) FROM claim_jobs(1, 'default', ARRAY['work'], 1)
            """)
        let shown = try await bench.run("jobs", "show", "1")
        #expect(shown.exit == .status(0) && shown.output.contains(text))
        #expect(shown.output.contains("45 %, half of it") && shown.output.contains("1 (host:1)"))
        let job = try await bench.run("jobs", "show", "1", "--json").json
        #expect(job["progress"]?["fraction"] == 0.455 && job["worker_name"] == "host:1" && job["state"] == "running")
    }

    @Test("A retried job names what it came from, and what it came from names it")
    func lineage() async throws {
        let bench = try await CommandBench()
        try await bench.sql("SELECT setval(pg_get_serial_sequence('jobs', 'id'), 100)")
        try await bench.ended(41, "failed")
        let retried = try await bench.run("jobs", "retry", "41", "--json")
        #expect(try retried.json == [["id": 41, "retried_as": 101]])
        #expect(try await bench.run("jobs", "show", "101", "--json").json["retry_of"] == 41)
        #expect(try await bench.run("jobs", "show", "41").output.contains("retried as:   101"))
    }

    @Test("Of several jobs, those that cannot be helped are named, and the others are")
    func several() async throws {
        let bench = try await CommandBench()
        try await bench.sql("SELECT enqueue_job('work', run_at => now() + interval '1 h')")
        try await bench.ended(41, "completed")
        let retry = try await bench.run("jobs", "retry", "999", "41", "1")
        #expect(retry.exit == .status(1) && retry.output.contains("Job 1 runs"))
        #expect(retry.error.contains("there is no job 999") && retry.error.contains("job 41 has completed: "))
        let cancel = try await bench.run("jobs", "cancel", "41", "999", "1", "--json")
        #expect(cancel.exit == .status(1) && cancel.error.isEmpty)
        let rows = try cancel.json
        #expect(rows[0]?["error"]?.string?.contains("it is completed") == true)
        #expect(rows[1]?["error"]?.string?.contains("operadora jobs list") == true)
        #expect(rows[2] == ["id": 1, "state": "cancelled"])
        #expect(try await bench.run("jobs", "discard", "1").output.contains("cancelled or discarded before"))
        let unknown = try await bench.run("jobs", "show", "999")
        #expect(unknown.exit == .status(1) && unknown.error.contains("operadora jobs list"))
    }

    @Test("A running job is asked to stop")
    func cancelRunning() async throws {
        let bench = try await CommandBench()
        try await bench.sql("SELECT enqueue_job('work')")
        try await bench.sql("SELECT register_worker('w', ARRAY['default'], ARRAY['work'], interval '1 h')")
        try await bench.sql("SELECT claim_jobs(1, 'default', ARRAY['work'], 1)")
        #expect(try await bench.run("jobs", "cancel", "1").output.contains("asked to stop"))
        #expect(try await bench.value("SELECT cancel_requested FROM jobs"))
    }

    @Test("Dead letters are retried in bulk: those of the kind and age asked for, in as many transactions as it takes")
    func bulk() async throws {
        let bench = try await CommandBench()
        try await bench.ended(1, "failed", kind: "other")
        try await bench.ended(2, "failed")
        try await bench.sql("UPDATE finished_jobs SET finished_at = now() - interval '1 day' WHERE id = 2")
        try await bench.sql("SELECT setval(pg_get_serial_sequence('jobs', 'id'), 10000)")
        try await bench.sql(
            """
            INSERT INTO finished_jobs (id, enqueued_at, run_at, state, priority, attempt, max_attempts, rescues, kind, queue,
                arguments)
            SELECT 10 + n, now(), now(), 'failed', 1, 1, 1, 0, 'work', 'calls', '{}' FROM generate_series(1, 2500) AS n
            """)
        let retry = ["jobs", "retry", "--failed", "--kind", "work", "--since", "6h", "--json"]
        #expect(try await bench.run(retry).json == ["retried": 2500])
        #expect(try await bench.run(retry).json == ["retried": 0])
        #expect(try await bench.value("SELECT count(*) FROM jobs") == 2500)
        #expect(try await bench.run("jobs", "discard", "--failed").output == "2 dead jobs were discarded.\n")
    }

    @Test("On a terminal a bulk command asks first, and does nothing without a yes", arguments: ["n", "", "yes"])
    func asks(answer: String) async throws {
        let bench = try await CommandBench()
        for id in 41...43 { try await bench.ended(Int64(id), "failed") }
        let terminal = try Terminal(["jobs", "discard", "--failed"], bench.environment)
        defer { terminal.close() }
        terminal.type(answer)
        #expect(await terminal.screen.line { $0.contains("Discard 3 dead jobs? [y/N]") } != nil)
        #expect(try await terminal.process.exit() == .status(0))
        #expect(try await bench.value("SELECT count(*) FROM dead_jobs") == (answer == "yes" ? 0 : 3))
    }

    @Test("On a terminal, --yes is not asked")
    func yes() async throws {
        let bench = try await CommandBench()
        try await bench.ended(41, "failed")
        let terminal = try Terminal(["jobs", "retry", "--failed", "--yes"], bench.environment)
        defer { terminal.close() }
        #expect(await terminal.screen.line { $0.contains("1 dead job was enqueued again") } != nil)
        #expect(try await terminal.process.exit() == .status(0))
    }

    @Test(
        "Wrong arguments are told what would be right",
        arguments: [
            (["list", "--state", "zombie"], "it must be available, scheduled, blocked, waiting, limited, running, "),
            (["list", "--limit", "0"], "it must be 1 to 100000"),
            (["retry"], "Missing expected argument '<id> ...', or '--failed'"),
            (["retry", "1", "--failed"], "not both"),
            (["retry", "1", "--kind", "work"], "go with '--failed'"),
            (["retry", "--failed", "--since", "yesterday"], "an age like 90s, 30m, 6h or 2d"),
            (["cancel", "first"], "The value 'first' is invalid for '<id> ...'"),
            (["cancel"], "Missing expected argument '<id> ...'"),
            (["watch", "--seconds", "0"], "it must be at least 1"),
        ])
    func usage(arguments: [String], words: String) async throws {
        let run = try Executable(["jobs"] + arguments)
        let error = await run.error.rest()
        #expect(try await run.process.exit() == .status(2))
        #expect(error.contains(words))
    }
}
