import HTTP
import Platform
import Testing

@testable import Agents

@Suite("OpenAI-compatible model over HTTP")
struct OpenAIModelTests {
    private let request = ModelServer.request

    private func error(of server: ModelServer, _ request: ModelRequest) async throws -> (ModelError?, [Duration]) {
        var thrown: ModelError?
        let waits = try await server.run { model in
            do { _ = try await model.respond(to: request) } catch let error as ModelError { thrown = error }
        }
        return (thrown, waits)
    }

    @Test("A request goes to the path with the key, and its answer is read")
    func responds() async throws {
        let server = ModelServer(ModelServer.completion(["role": "assistant", "content": "Hello."]))
        _ = try await server.run { model in
            let response = try await model.respond(to: request)
            #expect(response.text == "Hello.")
            #expect(response.usage == ModelUsage(promptTokens: 11, completionTokens: 7))
        }
        let received = try #require(server.requests.first)
        #expect(received.method == "POST")
        #expect(received.path == "/v1/chat/completions")
        #expect(received.headers["Authorization"] == "Bearer \(ModelServer.key)")
        #expect(received.headers["Content-Type"] == "application/json")
        #expect(try received.json() == ChatCompletionsRequest.body(request, model: "gpt-4o-mini", isStreaming: false))
    }

    @Test("Tool calls are read, their arguments left as the model wrote them")
    func readsToolCalls() async throws {
        let server = ModelServer(
            ModelServer.completion(
                [
                    "role": "assistant", "content": nil,
                    "tool_calls": [
                        ["id": "call_9", "type": "function", "function": ["name": "lookup", "arguments": "{\"n\": 1"]]
                    ],
                ], finishReason: "tool_calls"))
        _ = try await server.run { model in
            let response = try await model.respond(to: request)
            #expect(response.toolCalls == [ToolCall(id: "call_9", name: "lookup", arguments: "{\"n\": 1")])
            #expect(response.text == nil)
        }
    }

    @Test("What passes is tried again, after the wait that the server asks for")
    func retries() async throws {
        let server = ModelServer(
            ModelServer.failure(429, headers: ["Retry-After": "3"]), ModelServer.failure(503), .drop(),
            ModelServer.completion(["role": "assistant", "content": "At last."]))
        let waits = try await server.run { model in
            let response = try await model.respond(to: request)
            #expect(response.text == "At last.")
        }
        #expect(server.requests.count == 4)
        #expect(waits.count == 3)
        #expect(waits[0] >= .seconds(3))
        #expect(waits[1] < .seconds(1))
    }

    @Test(
        "What stays is reported at once, as what it is",
        arguments: [
            (401, "invalid_api_key", ModelError.Code.authentication), (429, "insufficient_quota", .quotaExceeded),
            (400, "context_length_exceeded", .contextTooLong), (400, "invalid_function_parameters", .invalidRequest),
            (404, "model_not_found", .invalidRequest),
        ])
    func reports(_ status: Int, _ kind: String, _ code: ModelError.Code) async throws {
        let secret = "Incorrect key \(ModelServer.key)"
        let server = ModelServer(
            ModelServer.failure(status, ["message": .string(secret), "code": .string(kind), "type": "x"]))
        let (error, waits) = try await error(of: server, request)
        #expect(error?.code == code)
        #expect(error?.status == status)
        #expect(waits.isEmpty)
        #expect(error?.description.contains(ModelServer.key) == false)
    }

    @Test("An outage is reported when the attempts are used up")
    func givesUp() async throws {
        let server = ModelServer()
        let (error, waits) = try await error(of: server, request)
        #expect(error?.code == .unavailable)
        #expect(server.requests.count == 4)
        #expect(waits.count == 3)
    }

    @Test("A server that asks for more patience than the request has is not waited for")
    func keepsBudget() async throws {
        let server = ModelServer(ModelServer.failure(429, headers: ["Retry-After": "600"]))
        let (error, waits) = try await error(of: server, request)
        #expect(error?.code == .rateLimited)
        #expect(waits.isEmpty)
    }

    @Test(
        "An answer that is none is reported, not retried",
        arguments: ["<html>Bad gateway</html>", "{}", #"{"choices":[]}"#, #"{"choices":[{"message":null}]}"#])
    func refusesAnswers(_ body: String) async throws {
        let server = ModelServer(.text(body))
        let (error, _) = try await error(of: server, request)
        #expect(error?.code == .invalidAnswer)
        #expect(server.requests.count == 1)
    }

    @Test("The key is in no log line, whatever happens")
    func hidesKey() async throws {
        let server = ModelServer(
            ModelServer.failure(500, ["message": .string(ModelServer.key)]),
            ModelServer.failure(401, ["message": .string("wrong: \(ModelServer.key)")]))
        let (error, _) = try await error(of: server, request)
        #expect(error?.code == .authentication)
        #expect(!server.log.contains { $0.contains(ModelServer.key) })
    }

    // MARK: structured output

    private var structured: ModelRequest {
        var request = request
        request.responseSchema = (
            name: "outcome",
            schema: [
                "type": "object", "properties": ["outcome": ["enum": ["booked", "none"]]], "required": ["outcome"],
                "additionalProperties": false,
            ]
        )
        return request
    }

    @Test("A structured answer that does not satisfy its schema is refused with the place")
    func validates() async throws {
        let server = ModelServer(ModelServer.completion(["role": "assistant", "content": #"{"outcome":"maybe"}"#]))
        let (error, _) = try await error(of: server, structured)
        #expect(error?.code == .invalidAnswer)
        #expect(error?.message.contains("outcome.outcome") == true)
    }

    @Test("A refusal and an answer cut at its limit are no structured answers")
    func refusesPartialAnswers() async throws {
        let declined = ModelServer(ModelServer.completion(["role": "assistant", "content": nil, "refusal": "No."]))
        #expect(try await error(of: declined, structured).0?.code == .refused)
        let cut = ModelServer(
            ModelServer.completion(["role": "assistant", "content": #"{"outc"#], finishReason: "length"))
        #expect(try await error(of: cut, structured).0?.code == .invalidAnswer)
    }

    @Test("An invalid structured answer is repaired by telling the model what is wrong")
    func repairs() async throws {
        let server = ModelServer(
            ModelServer.completion(["role": "assistant", "content": #"{"outcome":7}"#]),
            ModelServer.completion(["role": "assistant", "content": #"{"outcome":"booked"}"#]))
        _ = try await server.run { model in
            let (answer, usage) = try await model.structuredAnswer(to: structured)
            #expect(answer == ["outcome": "booked"])
            // Also the tokens of the answer that was none are spent.
            #expect(usage.promptTokens == 22)
        }
        let last = try server.requests[1].json()["messages"]?.array?.last
        #expect(last?["content"]?.string?.contains("outcome.outcome must be one of") == true)
    }
}
