import HTTP
import Platform
import TestSupport
import Testing

@testable import Agents

@Suite("Structured answers of the BAML model", .enabled(if: PythonPeer.isExpected))
struct BAMLStructureTests {
    private func words(_ text: String) -> HTTPServerResponse {
        ModelServer.completion(["role": "assistant", "content": .string(text)])
    }

    private func request(_ name: String, _ schema: JSON) -> ModelRequest {
        var request = ModelServer.request
        request.responseSchema = (name: name, schema: schema)
        return request
    }

    private func system(_ request: HTTPServerRequest) throws -> String {
        try request.json()["messages"]?[0]?["content"]?.string ?? ""
    }

    private let person: JSON = [
        "type": "object", "properties": ["name": ["type": "string"], "age": ["type": "integer"]],
        "required": ["name", "age"], "additionalProperties": false,
    ]

    @Test("A schema without a function of its own goes to the model as text; an answer that breaks it is handed back")
    func bySchema() async throws {
        let server = ModelServer(words(#"{"name": "Ana"}"#), words(#"```json\#n{"name": "Ana", "age": 30}\#n```"#))
        _ = try await server.runBAML { model in
            let (answer, _) = try await model.structuredAnswer(to: request("person", person))
            #expect(answer == ["name": "Ana", "age": 30])
        }
        #expect(server.requests.count == 2)
        #expect(try system(server.requests[0]).contains(person.text))
        #expect(try server.requests[1].json()["messages"]?.array?.last?["content"]?.text.contains("age") == true)
    }

    @Test("A schema with a function gets its type, and what does not fit the type is handed back")
    func byFunction() async throws {
        let schema: JSON = [
            "type": "object", "properties": ["outcome": ["type": "string"], "summary": ["type": "string"]],
            "required": ["outcome", "summary"],
        ]
        let server = ModelServer(
            words(#"{"outcome": "delighted", "summary": "…"}"#), words(#"{"outcome": "completed", "summary": "Done."}"#)
        )
        _ = try await server.runBAML { model in
            let (answer, _) = try await model.structuredAnswer(to: request("call_outcome", schema))
            #expect(answer["outcome"] == "completed" && answer["summary"] == "Done." && answer["email"] == .some(nil))
        }
        #expect(server.requests.count == 2)
        #expect(try system(server.requests[0]).contains(#"outcome: "callback_requested" | "#))
        #expect(try server.requests[0].json()["temperature"]?.number == 0)
    }

    @Test("With tools beside it, the tools come first, and the answer in its form after them")
    func toolsFirst() async throws {
        var request = request("person", person)
        request.tools = [
            ToolDescription(name: "lookup", description: "", parameters: ["type": "object", "properties": [:]])
        ]
        let server = ModelServer(
            words(#"{"message": null, "calls": [{"tool": "lookup", "args_json": {}}]}"#),
            words(#"{"message": "She is 30.", "calls": []}"#), words(#"{"name": "Ana", "age": 30}"#))
        _ = try await server.runBAML { model in
            let (first, second) = (try await model.respond(to: request), try await model.respond(to: request))
            #expect(first.toolCalls.map(\.name) == ["lookup"])
            #expect(second.text == #"{"age":30,"name":"Ana"}"#)
        }
        #expect(server.requests.count == 3)
    }
}
