import HTTP
import Platform
import Testing

@testable import Agents

/// Against a server that answers as `baml-cli serve` does.
@Suite("The tokens of a BAML model")
struct BAMLUsageTests {
    private func run(
        _ answers: HTTPServerResponse..., body: (BAMLModel, ModelServer) async throws -> Void
    ) async throws {
        let server = ModelServer(answers.map { answer in { @Sendable _ in answer } })
        try await server.serve { url, client in
            var settings = BAMLModel.Configuration()
            settings.baseURL = url
            settings.attemptTimeout = .seconds(300)
            try await body(BAMLModel(settings, client: client), server)
        }
    }

    @Test("They are estimated from what is sent and what comes back, four bytes to one, as a memory does")
    func areEstimated() async throws {
        let words = String(repeating: "word ", count: 400)
        try await run(.json(["message": .string(words), "calls": []]), .json(["message": "Yes.", "calls": []])) {
            model, server in
            var request = ModelServer.request
            request.messages = [.system(words), .user("Hello?")]
            let long = try await model.respond(to: request).usage
            let short = try await model.respond(to: ModelServer.request).usage
            let said = [Message.system(words), .user("Hello?")].map(Memory.estimatedTokens).reduce(0, +)
            #expect(abs(long.promptTokens - said) < 40, "\(long) \(said)")
            #expect(abs(long.completionTokens - Memory.estimatedTokens(.assistant(words))) < 20)
            #expect(long.promptTokens == server.requests[0].body.count / 4)
            #expect((1..<60).contains(short.promptTokens) && (1..<20).contains(short.completionTokens))
        }
    }

    @Test("A run has them in its account, those of an answer that was handed back included")
    func areAccounted() async throws {
        let schema: JSON = [
            "type": "object", "properties": ["mood": ["type": "string"]], "required": ["mood"],
            "additionalProperties": false,
        ]
        try await run(.json(["sky": "clear"]), .json(["mood": "good"])) { model, server in
            var request = ModelServer.request
            request.responseSchema = ("verdict", schema)
            let error = await #expect(throws: ModelError.self) { try await model.respond(to: request) }
            #expect((error?.rejected?.usage.promptTokens ?? 0) > 0 && error?.rejected?.usage.completionTokens == 3)
            let answer = try await model.respond(to: request)
            #expect(answer.usage.promptTokens > 0 && answer.usage.completionTokens == 3)
        }
    }
}
