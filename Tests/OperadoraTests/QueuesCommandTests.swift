import Platform
import Postgres
import Testing

@testable import operadora

@Suite("operadora queues", .timeLimit(.minutes(2)))
struct QueuesCommandTests {
    @Test("Queues are listed with what waits in them, paused and resumed by name")
    func queues() async throws {
        let bench = try await CommandBench()
        try await bench.sql("SELECT enqueue_job('work', queue => 'calls')")
        try await bench.sql("SELECT register_worker('w', ARRAY['turns'], ARRAY['work'], interval '1 h')")
        let paused = try await bench.run("queues", "pause", "calls", "turns")
        #expect(paused.exit == .status(0) && paused.output.contains("Queue \"calls\" is paused."))
        let rows = try await bench.run("queues", "list", "--json").json
        #expect(rows[0]?["queue"] == "calls" && rows[0]?["available"] == 1 && rows[0]?["paused_at"]?.string != nil)
        #expect(rows[1]?["queue"] == "turns" && rows[1]?["workers"] == 1)
        #expect(try await bench.run("queues", "list").output.contains("paused"))
        let resumed = try await bench.run("queues", "resume", "calls", "--json")
        #expect(try resumed.json == [["queue": "calls", "paused": false]])
        #expect(try await bench.column("SELECT name FROM queues WHERE paused_at IS NOT NULL") == ["turns"])
    }

    @Test("A queue that nobody has heard of is not paused, and the nearest one is named")
    func unknown() async throws {
        let bench = try await CommandBench()
        try await bench.sql("SELECT register_worker('w', ARRAY['calls'], ARRAY['work'], interval '1 h')")
        for command in [
            ["queues", "pause", "calls", "cals"], ["queues", "resume", "cals"], ["jobs", "list", "--queue", "cals"],
            ["jobs", "watch", "--queue", "cals"], ["jobs", "retry", "--failed", "--queue", "cals"],
        ] {
            let run = try await bench.run(command)
            #expect(run.exit == .status(1), "\(command)")
            #expect(run.error.contains("Did you mean 'calls'?") && run.error.contains("operadora queues list"))
        }
        #expect(try await bench.value("SELECT count(*) FROM queues WHERE paused_at IS NOT NULL") == 0)
    }

    @Test("More than 10,000 are shown as 10000+")
    func many() async throws {
        let bench = try await CommandBench()
        try await bench.sql("INSERT INTO jobs (kind) SELECT 'work' FROM generate_series(1, 10001)")
        #expect(try await bench.run("queues", "list").output.contains(" 10000+ "))
        #expect(try await bench.run("queues", "list", "--json").json[0]?["more"] == ["available"])
        try await bench.sql("SELECT cancel_job((SELECT max(id) FROM jobs))")
        #expect(try await !bench.run("queues", "list").output.contains("+"))
    }
}
