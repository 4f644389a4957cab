import Platform
import Postgres
import Testing

@Suite("operadora campaign pause and resume", .timeLimit(.minutes(1)))
struct CampaignPauseTests {
    @Test(
        "What does not run can be neither paused nor resumed: the command fails and says what can be done",
        arguments: [("draft", "a draft"), ("completed", "completed")])
    func idle(status: String, words: String) async throws {
        let bench = try await CommandBench()
        try await bench.sql("INSERT INTO campaigns (name, status) VALUES ('Spring', \(status))")
        for verb in ["pause", "resume"] {
            let run = try await bench.run("campaign", verb, "Spring")
            #expect(run.exit == .status(1) && run.output.isEmpty)
            #expect(run.error.hasPrefix("operadora: campaign \"Spring\" is \(words), and nothing of it runs: "))
            #expect(run.error.contains("operadora campaign launch \"Spring\" starts it"))
        }
        #expect(try await bench.value("SELECT status FROM campaigns", String.self) == status)
    }

    @Test("What is so already is no failure, and is not said to have been done")
    func repeated() async throws {
        let bench = try await CommandBench()
        try await bench.sql("INSERT INTO campaigns (name, status) VALUES ('Spring', 'running')")
        for (verb, words) in [
            ("resume", "runs already"), ("pause", "is paused"), ("pause", "is paused already"),
            ("resume", "runs again"),
        ] {
            let run = try await bench.run("campaign", verb, "Spring")
            #expect(run.exit == .status(0) && run.output == "Campaign \"Spring\" \(words).\n", "\(run.error)")
        }
    }
}
