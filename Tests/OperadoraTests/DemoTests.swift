import FoundationEssentials
import Glibc
import Platform
import Postgres
import Testing

@testable import operadora

@Suite struct DemoTests {
    @Test(
        "The two documented queries return what the demo printed, its shell finds the calls, and nothing stays behind")
    func contractQueries() async throws {
        let demo = try Executable(["demo", "--leads", "12", "--keep", "--json"])
        let line = try #require(await demo.output.line { $0.hasPrefix("{") })
        let summary = try JSON(parsing: line)
        let database = try #require(summary["database"]?.string)
        let client = PostgresClient(
            PostgresConfiguration(connectionString: database), logger: Logger(label: "test", level: .critical))
        let meetings = try await client.query("SELECT * FROM meetings WHERE calendar_event_id IS NOT NULL")
        let calls = try await client.query("SELECT * FROM calls WHERE outcome = 'meeting_scheduled'")
        await client.close()

        #expect(summary["leads"] == 12 && summary["calls"] == 12 && summary["unfinished_calls"] == 0)
        #expect(summary["meetings"]?.integer == Int64(meetings.count) && meetings.count > 0)
        #expect(summary["by_outcome"]?["meeting_scheduled"]?.integer == Int64(calls.count))
        let outcomes = try #require(summary["by_outcome"]?.object)
        #expect(outcomes.values.compactMap(\.integer).reduce(0, +) == 12)
        #expect(summary["overhead"]?["p50"]?.number != nil && summary["overhead"]?["p99"]?.number != nil)

        let shell = try #require(summary["environment"]?.string)
        let list = try Executable(["-c", ". '\(shell)' && operadora calls list --json"], path: "/bin/sh")
        #expect(try JSON(parsing: await list.output.rest()).array?.count == 12)
        #expect(try await list.process.exit() == .status(0))

        demo.process.signal(SIGTERM)
        #expect(try await demo.process.exit() == .status(0))
        let home = try #require(database.split(separator: " ").first?.dropFirst("host=".count))
        #expect(!FileManager.default.fileExists(atPath: String(home)))
    }

    @Test("A demo ends with the funnel, the meetings, what we add to a turn, and how to look further")
    func report() async throws {
        let demo = try Executable(["demo", "--leads", "12", "--keep"])
        #expect(await demo.output.has("operadora chat --campaign Demo\n"))
        demo.process.signal(SIGTERM)
        #expect(try await demo.process.exit() == .status(0))
        let sections = await demo.output.rest().components(separatedBy: "\n\n")
            .map { $0.split(separator: "\n").map(String.init) }
        try #require(sections.count == 5 && sections.allSatisfy { !$0.isEmpty }, "\(sections)")

        #expect(sections[0][0].hasPrefix("12 leads, 12 calls, "))
        #expect(sections[1][0] == "What came of the calls:")
        let outcomes = sections[1].dropFirst().map { $0.split(separator: " ") }
        #expect(outcomes.compactMap { $0.dropFirst().first.flatMap { Int($0) } }.reduce(0, +) == 12)
        #expect(outcomes.contains { $0.first == "meeting_scheduled" })
        let guests = sections[2].dropFirst(2)
        #expect(sections[2][0].hasPrefix("\(guests.count) meeting") && sections[2][0].hasSuffix(" in the calendar:"))
        #expect(!guests.isEmpty && guests.allSatisfy { $0.contains("@example.com") })
        #expect(sections[3][0].hasPrefix("Added to the model's own time, per turn: p50 "))
        for advice in [
            "psql \"host=", "SELECT * FROM meetings WHERE calendar_event_id IS NOT NULL;",
            "SELECT * FROM calls WHERE outcome = 'meeting_scheduled';", "curl http://127.0.0.1:", ". /tmp/",
        ] {
            #expect(sections[4].contains { $0.hasPrefix("    \(advice)") }, "\(advice)")
        }
    }

    @Test("Of many meetings twelve are shown; that there is none is said, and so are calls without an end")
    func manyMeetings() {
        var summary = DemoSummary()
        summary.unfinishedCalls = 2
        let none = summary.text(width: nil)
        #expect(none.hasSuffix("2 calls did not come to their end.\n\nNo meeting was booked."))
        summary.meetings = (1...14).map { ["guest_email": "guest-\($0)@example.com"] }
        let many = summary.text(width: nil)
        #expect(many.contains("14 meetings in the calendar:\n") && many.hasSuffix("\n… and 2 more"))
        #expect(many.contains("guest-12@") && !many.contains("guest-13@"))
    }

    @Test("A demo that is stopped before its end fails, and nothing stays behind")
    func stoppedEarly() async throws {
        let demo = try Executable(["demo", "--leads", "500"])
        #expect(await demo.error.line { $0.contains("Launching the campaign") } != nil)
        demo.process.signal(SIGTERM)
        #expect(await demo.error.line { $0.contains("everything was removed") } != nil)
        #expect(try await demo.process.exit() == .status(1))
    }

    @Test("The demo's leads are distinct and as many as wanted")
    func leads() {
        let rows = DemoLeads(count: 1_000).csv.split(separator: "\r\n").filter { $0.contains("@example.com") }
        let phones = rows.compactMap { $0.split(separator: ",").dropFirst().first }
        #expect(rows.count == 1_000 && Set(phones).count == 1_000)
    }
}
