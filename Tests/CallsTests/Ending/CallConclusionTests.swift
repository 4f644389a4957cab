import Agents
import FoundationEssentials
import HTTP
import Platform
import Simulators
import Synchronization
import TestSupport
import Testing

@testable import Calls

@Suite("What a call came to, by BAML", .enabled(if: PythonPeer.isExpected))
struct CallConclusionTests {
    @Test("The type in baml_src knows every outcome and degree of interest that the classification does")
    func vocabulary() async throws {
        let said = Mutex<[String: JSON]>([:])
        var simulator = SimulatedOpenAI.Configuration()
        simulator.answer = { _ in ChatAnswer(text: said.withLock { JSON.object($0).text }) }
        let logger = Logger(label: "test", level: .critical)
        let openAI = SimulatedOpenAI(configuration: simulator, logger: logger)
        let baml = try await BAMLServer.start(modelURL: try openAI.start())
        let client = HTTPClient(logger: logger)
        var settings = BAMLModel.Configuration()
        settings.baseURL = baml.url
        settings.password = BAMLServer.password
        settings.functions = [Classification.schemaName: "ConcludeCall"]
        let model = BAMLModel(settings, client: client)
        var request = ModelRequest(messages: [.system("Classify."), .user("person: Hello?")])
        request.responseSchema = (name: Classification.schemaName, schema: Classification.schema)
        request.timeout = .seconds(300)

        let (outcomes, degrees) = (
            Classification.schema["properties"]?["outcome"]?["enum"]?.array ?? [],
            Classification.schema["properties"]?["interest"]?["enum"]?.array ?? []
        )
        #expect(outcomes.count > 3 && degrees.count > 3)
        for (outcome, degree) in outcomes.map({ ($0, JSON.null) }) + degrees.map({ (outcomes[0], $0) }) {
            let answer: [String: JSON] = [
                "outcome": outcome, "summary": "S.", "interest": degree, "reason": "why", "email": "a@example.com",
                "callback_at": "2026-03-01T10:00:00-05:00",
            ]
            said.withLock { $0 = answer }
            #expect(try await model.structuredAnswer(to: request, repairs: 0).0 == .object(answer))
        }
        await client.shutDown()
        await baml.stop()
        await openAI.stop()
    }
}
