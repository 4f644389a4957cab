import Postgres
import TestSupport
import Testing

@Suite("The audit of a storm")
struct StormAuditTests {
    @Test("A job that its worker leaves to nobody is not taken for one that another worker took from it")
    func leaves() async throws {
        let client = try await TestDatabase.make().client
        try await client.withConnection { try await $0.executeScript(unsafe: StormAudit.tables) }
        let rows = try await client.query("SELECT register_worker('w', ARRAY['default'], ARRAY['k'], interval '15 s')")
        let worker = try rows[0].decode(Int64.self)
        // Lost by three workers: somebody is to end it.
        try await client.query(
            "INSERT INTO jobs (kind, state, worker, attempt, rescues) VALUES ('k', 'running', \(worker + 1), 3, 2)")
        #expect(try await client.query("SELECT FROM adopt_jobs(\(worker), ARRAY['k'], 1)").count == 1)
        // The answer never came.
        try await client.query("SELECT release_unheld_jobs(\(worker), '{}', interval '-1 s')")
        let events = try await client.query("SELECT event FROM job_events ORDER BY number")
        #expect(try events.map { try $0.decode(String.self, at: 0) } == ["enqueued", "adopted", "left"])
        let promises = [
            "A job is claimed by one worker at a time", "Nobody whose heart beats is declared dead, or loses its jobs",
        ]
        for check in StormCheck.all where promises.contains(check.promise) {
            #expect(try await client.query("\(unsafe: check.violations)").isEmpty, "\(check.promise)")
        }
    }
}
