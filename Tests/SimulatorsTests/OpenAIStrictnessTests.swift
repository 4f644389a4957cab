import HTTP
import Platform
import Testing

@testable import Simulators

@Suite struct OpenAIStrictnessTests {
    static let hello: JSON = ["role": "user", "content": "Hello"]
    static let tool: JSON = [
        "type": "function",
        "function": ["name": "look", "description": "Looks", "parameters": ["type": "object", "properties": [:]]],
    ]
    static let call: JSON = [
        "role": "assistant", "content": .null,
        "tool_calls": [["id": "call_1", "type": "function", "function": ["name": "look", "arguments": "{}"]]],
    ]
    static let result: JSON = ["role": "tool", "tool_call_id": "call_1", "content": "{}"]

    static func body(_ more: [String: JSON] = [:], messages: [JSON] = [hello]) -> JSON {
        .object(["model": "gpt-4o-mini", "messages": .array(messages)].merging(more) { $1 })
    }

    static func withTool(_ function: [String: JSON]) -> JSON {
        body(["tools": [["type": "function", "function": .object(function)]]])
    }

    static func withSchema(_ schema: JSON) -> JSON {
        body([
            "response_format": [
                "type": "json_schema", "json_schema": ["name": "answer", "strict": true, "schema": schema],
            ]
        ])
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        var name: String
        var body: JSON
        /// In the error's `param`.
        var param: String?
        var message: String
        var testDescription: String { name }
    }

    static let mistakes: [Mistake] = [
        Mistake(name: "no model", body: ["messages": [hello]], message: "model parameter"),
        Mistake(name: "no messages", body: ["model": "gpt-4o-mini"], param: "messages", message: "Missing required"),
        Mistake(name: "empty messages", body: body(messages: []), param: "messages", message: "empty array"),
        Mistake(name: "unknown field", body: body(["colour": "red"]), param: "colour", message: "Unknown parameter"),
        Mistake(
            name: "unknown role", body: body(messages: [["role": "robot", "content": "x"]]),
            param: "messages[0].role", message: "Supported values"),
        Mistake(
            name: "number as content", body: body(messages: [["role": "user", "content": 5]]),
            param: "messages[0].content", message: "Invalid type"),
        Mistake(
            name: "no content", body: body(messages: [["role": "user", "content": .null]]),
            param: "messages[0].content", message: "got null"),
        Mistake(
            name: "field of another role",
            body: body(messages: [["role": "user", "content": "x", "tool_call_id": "1"]]),
            param: "messages[0].tool_call_id", message: "Unknown parameter"),
        Mistake(
            name: "call without a result", body: body(["tools": [tool]], messages: [hello, call]),
            param: "messages.[2].role", message: "did not have response messages: call_1"),
        Mistake(
            name: "result not right after its call",
            body: body(["tools": [tool]], messages: [hello, call, hello, result]), param: "messages.[2].role",
            message: "must be followed by tool messages"),
        Mistake(
            name: "result without a call", body: body(messages: [hello, result]), param: "messages.[1].role",
            message: "preceeding message with 'tool_calls'"),
        Mistake(
            name: "result of another call",
            body: body(messages: [hello, call, ["role": "tool", "tool_call_id": "call_2", "content": "{}"]]),
            param: "messages.[2].role", message: "preceeding"),
        Mistake(
            name: "two results of one call", body: body(messages: [hello, call, result, result]),
            param: "messages.[3].role", message: "preceeding"),
        Mistake(name: "no tools", body: body(["tools": []]), param: "tools", message: "empty array"),
        Mistake(
            name: "tool with a space in its name", body: withTool(["name": "look up"]),
            param: "tools[0].function.name", message: "^[a-zA-Z0-9_-]+$"),
        Mistake(
            name: "tool with a long name", body: withTool(["name": .string(String(repeating: "a", count: 65))]),
            param: "tools[0].function.name", message: "maximum length 64"),
        Mistake(
            name: "parameters that are no object", body: withTool(["name": "look", "parameters": ["type": "string"]]),
            param: "tools[0].function.parameters", message: "type: \"object\""),
        Mistake(
            name: "array without items",
            body: withTool([
                "name": "look", "parameters": ["type": "object", "properties": ["days": ["type": "array"]]],
            ]), param: "tools[0].function.parameters", message: "array schema missing items"),
        Mistake(
            name: "unknown type in a schema",
            body: withTool(["name": "look", "parameters": ["type": "object", "properties": ["a": ["type": "date"]]]]),
            param: "tools[0].function.parameters", message: "'date' is not valid"),
        Mistake(
            name: "tool_choice without tools", body: body(["tool_choice": "auto"]), param: "tool_choice",
            message: "only allowed when 'tools'"),
        Mistake(
            name: "tool_choice of an unknown tool",
            body: body([
                "tools": [tool], "tool_choice": ["type": "function", "function": ["name": "other"]],
            ]), param: "tool_choice", message: "not found"),
        Mistake(
            name: "stream_options without stream", body: body(["stream_options": ["include_usage": true]]),
            param: "stream_options", message: "only allowed when 'stream'"),
        Mistake(
            name: "hot temperature", body: body(["temperature": 2.5]), param: "temperature", message: "<= 2"),
        Mistake(
            name: "both limits", body: body(["max_tokens": 5, "max_completion_tokens": 5]), param: "max_tokens",
            message: "at the same time"),
        Mistake(
            name: "strict schema that allows more",
            body: withSchema(["type": "object", "properties": ["a": ["type": "string"]], "required": ["a"]]),
            param: "response_format", message: "'additionalProperties' is required"),
        Mistake(
            name: "strict schema with an optional property",
            body: withSchema([
                "type": "object", "properties": ["a": ["type": "string"]], "required": [],
                "additionalProperties": false,
            ]), param: "response_format", message: "Missing 'a'"),
        Mistake(
            name: "strict schema nested inside",
            body: withSchema([
                "type": "object", "required": ["a"], "additionalProperties": false,
                "properties": ["a": ["type": "object", "properties": [:]]],
            ]), param: "response_format", message: "('properties', 'a')"),
        Mistake(
            name: "JSON without the word", body: body(["response_format": ["type": "json_object"]]), param: "messages",
            message: "must contain the word 'json'"),
    ]

    @Test("What OpenAI refuses is refused in its words", arguments: mistakes)
    func refused(_ mistake: Mistake) async throws {
        try await OpenAIBench.run { bench in
            let response = try await bench.send(mistake.body)
            let error = try response.json()["error"]
            #expect(response.status == 400)
            #expect(error?["type"] == "invalid_request_error")
            #expect(error?["param"]?.string == mistake.param)
            #expect(error?["message"]?.string?.contains(mistake.message) == true, "\(response.text)")
            #expect(bench.simulator.refusals.count == 1)
        }
    }

    @Test(
        "What OpenAI accepts is accepted",
        arguments: [
            body(), body(["temperature": 0, "max_completion_tokens": 400, "user": "x", "n": 2]),
            body(["tools": [tool], "tool_choice": "none", "parallel_tool_calls": false]),
            body(["tools": [tool]], messages: [hello, call, result, hello]),
            body(["stream": true, "stream_options": ["include_usage": true]]),
            body(messages: [["role": "developer", "content": [["type": "text", "text": "Be kind"]]], hello]),
            withSchema([
                "type": "object", "required": ["a"], "additionalProperties": false,
                "properties": ["a": ["anyOf": [["type": "string"], ["type": "null"]]]],
            ]),
        ])
    func accepted(_ body: JSON) async throws {
        try await OpenAIBench.run { bench in
            let response = try await bench.send(body)
            #expect(response.status == 200, "\(response.text)")
        }
    }

    @Test("A wrong key, a missing key, an unknown model and an unknown path have OpenAI's statuses")
    func statuses() async throws {
        try await OpenAIBench.run { bench in
            var request = bench.request(Self.body(), key: "sk-other")
            let wrongKey = try await bench.client.send(request)
            #expect(wrongKey.status == 401)
            #expect(try wrongKey.json()["error"]?["code"] == "invalid_api_key")
            request.headers["Authorization"] = nil
            #expect(try await bench.client.send(request).status == 401)
            let unknownModel = try await bench.send(Self.body(["model": "gpt-9"]))
            #expect(unknownModel.status == 404)
            #expect(try unknownModel.json()["error"]?["code"] == "model_not_found")
            request = bench.request(Self.body())
            request.url += "s"
            #expect(try await bench.client.send(request).status == 404)
            request = bench.request(Self.body())
            request.body = Array("{".utf8)
            #expect(try await bench.client.send(request).status == 400)
        }
    }
}
