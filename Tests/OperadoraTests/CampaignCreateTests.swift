import Platform
import Postgres
import Testing

@Suite("operadora campaign create", .timeLimit(.minutes(1)))
struct CampaignCreateTests {
    @Test("A name is kept without white space around it, and another in upper or lower case alone is refused")
    func names() async throws {
        let bench = try await CommandBench()
        let made = try await bench.run("campaign", "create", "  Spring sale\t")
        #expect(made.exit == .status(0) && made.output.hasPrefix("Campaign \"Spring sale\" was created"))
        for name in ["Spring sale", " Spring sale", "SPRING sale"] {
            let run = try await bench.run("campaign", "create", name)
            #expect(run.exit == .status(1))
            #expect(run.error == "operadora: there is already a campaign \"Spring sale\"\n")
        }
        #expect(try await bench.run("campaign", "create", "Spring sale 2").exit == .status(0))
        #expect(try await bench.column("SELECT name FROM campaigns ORDER BY id") == ["Spring sale", "Spring sale 2"])
    }

    @Test(
        "A limit out of its range is a wrong argument, named with what is right",
        arguments: [
            ("--max-concurrent-calls", "0", "must be 1 to 100000"),
            ("--max-concurrent-calls", "100001", "must be 1 to 100000"),
            ("--calls-per-second", "0", "must be above 0"), ("--calls-per-second", "10001", "at most 10000"),
        ])
    func limits(option: String, value: String, words: String) async throws {
        let bench = try await CommandBench()
        let run = try await bench.run("campaign", "create", "Spring", option, value)
        #expect(run.exit == .status(2) && run.output.isEmpty)
        #expect(run.error.hasPrefix("Error: '\(option) \(value)") && run.error.contains(words), "\(run.error)")
        #expect(try await bench.value("SELECT count(*) FROM campaigns") == 0)
    }

    @Test("A name of digits alone would hide the campaign of that number, and one of white space is none")
    func unusableNames() async throws {
        let bench = try await CommandBench()
        for name in ["2", " 17 ", "007"] {
            let run = try await bench.run("campaign", "create", name)
            #expect(run.exit == .status(2) && run.error.contains("is digits alone"), "\(run.error)")
        }
        for name in [" ", String(repeating: "n", count: 201)] {
            let run = try await bench.run("campaign", "create", name)
            #expect(run.exit == .status(2) && run.error.contains("1 to 200 characters"), "\(run.error)")
        }
        #expect(try await bench.value("SELECT count(*) FROM campaigns") == 0)
    }
}
