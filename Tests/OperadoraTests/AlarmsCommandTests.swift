import Platform
import Postgres
import Testing

@Suite("operadora alarms", .timeLimit(.minutes(1)))
struct AlarmsCommandTests {
    @Test("Each alarm is listed with its figure; one that is raised says what to do")
    func list() async throws {
        let bench = try await CommandBench()
        try await bench.sql("INSERT INTO queues (name) VALUES ('calls')")
        try await bench.sql(
            "INSERT INTO jobs (kind, queue, run_at) VALUES ('work', 'calls', now() - interval '100 s')")
        let rows = try await bench.run("alarms", "--json").json.array ?? []
        #expect(
            rows.map { $0["alarm"]?.string } == ["dead_workers", "oldest_snapshot", "oldest_wait", "oldest_xmin"])
        #expect(rows.map { $0["raised"]?.bool } == [false, false, true, false])
        #expect(rows[2]["queue"] == "calls" && rows[2]["threshold"]?.number == 60)
        #expect(rows[2]["value"]?.number.map { $0 >= 100 } == true)
        let table = try await bench.run("alarms")
        #expect(table.exit == .status(0) && table.output.contains("start more workers"))
        #expect(!table.output.contains("end the oldest transaction"))
    }
}
