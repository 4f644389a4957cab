import Platform
import Postgres
import Simulators
import TestSupport
import Testing

@Suite("OPENAI_FALLBACK_MODEL")
struct FallbackModelTests {
    private func fallback() throws -> (SimulatedOpenAI, [String: String]) {
        var configuration = SimulatedOpenAI.Configuration()
        configuration.apiKey = "sk-of-the-other"
        configuration.models = ["small-model"]
        let model = SimulatedOpenAI(configuration: configuration, logger: Logger(label: "test", level: .critical))
        return (
            model,
            [
                "OPENAI_FALLBACK_MODEL": "small-model", "OPENAI_FALLBACK_BASE_URL": try model.start(),
                "OPENAI_FALLBACK_API_KEY": model.apiKey,
            ]
        )
    }

    @Test(
        "What the model cannot answer the fallback model is asked, and the caller hears an answer",
        arguments: [
            ["OPENAI_API_KEY": "sk-of-somebody-else"],
            ["LANGUAGE_MODEL": "baml", "BAML_URL": "http://127.0.0.1:1"],
        ])
    func answers(_ failure: [String: String]) async throws {
        let bench = try await ChatBench()
        let (model, variables) = try fallback()
        let run = try await bench.chat(
            [], "not interested", environment: variables.merging(failure) { $1 })
        await bench.close()
        await model.stop()
        #expect(run.exit == .status(0), "\(run.error)")
        #expect(model.answeredRequests > 0 && bench.openAI.answeredRequests == 0)
        #expect(
            try await bench.commands.value("SELECT count(*) FROM turns WHERE purpose = 'apology'", Int.self) == 0)
    }

    @Test("One that answers is the only one that is asked")
    func isNotAsked() async throws {
        let bench = try await ChatBench()
        let (model, variables) = try fallback()
        let run = try await bench.chat([], "not interested", environment: variables)
        await bench.close()
        await model.stop()
        #expect(run.exit == .status(0) && bench.openAI.answeredRequests > 0 && model.answeredRequests == 0)
    }

    @Test("The doctor asks after it too, and names its own variables")
    func doctor() async throws {
        let (model, variables) = try fallback()
        for (changes, state, text) in [
            ([:], "ok", "small-model is served"),
            (["OPENAI_FALLBACK_API_KEY": "sk-wrong"], "failed", "set OPENAI_FALLBACK_API_KEY anew"),
            (["OPENAI_FALLBACK_MODEL": "smaller"], "failed", "set OPENAI_FALLBACK_MODEL to one that it has"),
        ] as [([String: String], String, String)] {
            let run = try await Executable.run(
                "doctor", "--json", environment: variables.merging(changes) { $1 })
            let finding = try JSON(parsing: run.output).array?.first { $0["check"] == "fallback model" }
            #expect(finding?["state"]?.string == state && run.output.contains(text), "\(run.output)")
        }
        await model.stop()
    }
}
