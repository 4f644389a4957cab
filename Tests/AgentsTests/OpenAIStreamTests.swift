import HTTP
import Platform
import Testing

@testable import Agents

@Suite("OpenAI-compatible model, streaming over HTTP")
struct OpenAIStreamTests {
    private let request = ModelServer.request
    private let words = [
        #"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
        #"{"choices":[{"index":0,"delta":{"content":"Good "}}]}"#,
        #"{"choices":[{"index":0,"delta":{"content":"day."}}]}"#,
    ]
    private let end = [
        #"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        #"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2}}"#, "[DONE]",
    ]

    private func read(_ model: OpenAIModel) async throws -> (pieces: [String], response: ModelResponse?) {
        var pieces: [String] = []
        var response: ModelResponse?
        for try await event in model.stream(request) {
            switch event {
            case .text(let piece): pieces.append(piece)
            case .finished(let whole): response = whole
            }
        }
        return (pieces, response)
    }

    @Test("An answer comes as it is written, with its usage at the end")
    func streams() async throws {
        let server = ModelServer(ModelServer.events(words + end))
        _ = try await server.run { model in
            let (pieces, response) = try await read(model)
            #expect(pieces == ["Good ", "day."])
            #expect(response?.text == "Good day.")
            #expect(response?.usage == ModelUsage(promptTokens: 4, completionTokens: 2))
        }
        #expect(try server.requests[0].json()["stream_options"] == ["include_usage": true])
    }

    @Test("What fails before the first word is tried again")
    func retriesBeforeFirstWord() async throws {
        let server = ModelServer(
            ModelServer.failure(503), ModelServer.events([words[0]]), ModelServer.events(words + end))
        let waits = try await server.run { model in
            let response = try await read(model).response
            #expect(response?.text == "Good day.")
        }
        #expect(waits.count == 2)
    }

    @Test("A stream that ends in the middle is reported, and its words are not repeated")
    func reportsTruncation() async throws {
        let server = ModelServer(ModelServer.events(words), ModelServer.events(words + end))
        _ = try await server.run { model in
            let error = await #expect(throws: ModelError.self) { _ = try await read(model) }
            #expect(error?.code == .truncated)
        }
        #expect(server.requests.count == 1)
    }

    @Test("A refusal of the server is the error that it is")
    func reportsStatus() async throws {
        let server = ModelServer(ModelServer.failure(401))
        _ = try await server.run { model in
            let error = await #expect(throws: ModelError.self) { _ = try await read(model) }
            #expect(error?.code == .authentication)
        }
    }
}
