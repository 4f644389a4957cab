import FoundationEssentials
import Postgres
import TestSupport
import Testing

@Suite("The page on schedules", .timeLimit(.minutes(1)))
struct SchedulesPageTests {
    @Test("Every SQL example of the page runs, in its order, and ends as the page says")
    func examples() async throws {
        let page = URL(filePath: TestDatabase.migrations).deletingLastPathComponent()
            .appending(path: "docs/schedules.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let examples = text.components(separatedBy: "```sql\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(examples.count >= 3)
        try await JobBench.with { bench in
            var seen = 0
            for example in examples {
                try await bench.client.withConnection { try await $0.executeScript(unsafe: example) }
                seen = max(seen, try await bench.value("SELECT count(*) FROM schedules WHERE queue = 'low'", Int.self))
            }
            #expect(seen == 1)
            #expect(try await bench.value("SELECT count(*) FROM schedules", Int.self) == 0)
        }
    }

    @Test("The page names every argument of set_schedule with its default")
    func arguments() async throws {
        let page = URL(filePath: TestDatabase.migrations).deletingLastPathComponent()
            .appending(path: "docs/schedules.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        try await JobBench.with { bench in
            let names: [String] = try await bench.column(
                "SELECT unnest(proargnames) FROM pg_proc WHERE proname = 'set_schedule'")
            #expect(names.count >= 10)
            for name in names { #expect(text.contains("`\(name)`"), "\(name) is not on the page") }
        }
    }
}
