import Postgres
import TestSupport
import Testing

@Suite("The page on schedules", .timeLimit(.minutes(1)))
struct SchedulesPageTests {
    @Test("Every SQL example of the page runs in psql, in its order, and ends as the page says")
    func examples() async throws {
        let examples = try DocumentationPage("schedules.md").examples
        #expect(examples.count >= 3)
        try await JobBench.with { bench in
            let count = "SELECT count(*) FROM schedules WHERE queue = 'low';"
            let printed = try await Psql.run(examples.map { $0.sql + count }, between: "", on: bench.url)
            #expect(printed.contains { $0.hasSuffix("\n     1") })
            #expect(try await bench.value("SELECT count(*) FROM schedules", Int.self) == 0)
        }
    }

    @Test("The page names every argument of set_schedule with its default")
    func arguments() async throws {
        let page = try DocumentationPage("schedules.md")
        try await JobBench.with { bench in
            let names: [String] = try await bench.column(
                "SELECT unnest(proargnames) FROM pg_proc WHERE proname = 'set_schedule'")
            #expect(names.count >= 10)
            for name in names { #expect(page.text.contains("`\(name)`"), "\(name) is not on the page") }
        }
    }
}
