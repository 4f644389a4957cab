import Agents
import Platform
import Testing

@testable import operadora

@Suite("What operadora chat says to do with BAML")
struct ChatAdviceTests {
    private static let variables = [
        "LANGUAGE_MODEL": "baml", "BAML_URL": "http://127.0.0.1:1", "OPENAI_API_KEY": "", "OPENAI_BASE_URL": "",
        "OPENAI_MODEL": "",
    ]

    @Test("A server that is not reached is looked for at BAML_URL")
    func unreached() async throws {
        let bench = try await ChatBench()
        let run = try await bench.chat([], "hello", environment: Self.variables)
        await bench.close()
        #expect(run.exit == .status(1))
        #expect(run.error.contains("look at BAML_URL (http://127.0.0.1:1)"), "\(run.error)")
    }

    @Test(
        "With a fallback it is the fallback that failed last: its variables are named", arguments: ["baml", "openai"])
    func fallback(_ kind: String) throws {
        let more = [
            "LANGUAGE_MODEL": kind, "OPENAI_FALLBACK_MODEL": "small", "OPENAI_FALLBACK_BASE_URL": "http://127.0.0.1:2",
        ]
        let model = try Configuration(Environment(Self.variables.merging(more) { $1 }), needs: []).model
        for code in ModelError.Code.allCases {
            let advice = try #require(AgentStop.modelFailed(ModelError(code, "it failed")).advice(model))
            for other in ["BAML", "OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_BASE_URL"] {
                #expect(!advice.contains(other))
            }
        }
        let unreached = AgentStop.modelFailed(ModelError(.unavailable, "it failed")).advice(model)
        #expect(unreached?.contains("look at OPENAI_FALLBACK_BASE_URL (http://127.0.0.1:2)") == true)
    }

    @Test("No failure sends anybody to the model's address, name or key in our own environment")
    func names() throws {
        let model = try Configuration(Environment(Self.variables), needs: []).model
        for code in ModelError.Code.allCases {
            let advice = try #require(AgentStop.modelFailed(ModelError(code, "it failed")).advice(model))
            #expect(!advice.contains(model.baseURL) && !advice.contains(model.name), "\(advice)")
            #expect(!advice.contains("OPENAI_") || advice.contains("baml-cli serve"), "\(advice)")
        }
        let refused = AgentStop.modelFailed(ModelError(.authentication, "refused")).advice(model)
        #expect(refused?.contains("set BAML_PASSWORD") == true)
        for stop in [AgentStop.emptyAnswer, .outOfTime] {
            #expect(stop.advice(model)?.contains(model.baseURL) == false)
        }
    }
}
