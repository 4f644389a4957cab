import HTTP
import Platform
import TestSupport
import Testing

@testable import Simulators

@Suite struct OpenAIAnswerTests {
    /// A conversation in which the model wants the calendar.
    static let interested: JSON = [
        "model": "gpt-4o-mini",
        "messages": [
            ["role": "system", "content": "Speak English."],
            ["role": "assistant", "content": "Hello, are you interested?"],
            ["role": "user", "content": "Yes, could we do next Tuesday?"],
        ],
        "tools": [SalesTools.check, SalesTools.book, SalesTools.hangUp],
    ]

    @Test("The same request gets the same answer, ids included")
    func deterministic() async throws {
        try await OpenAIBench.run { bench in
            let first = try await bench.send(Self.interested).json()
            let second = try await bench.send(Self.interested).json()
            #expect(first["choices"] == second["choices"])
            #expect(first["id"] == second["id"])
            #expect(first["choices"]?[0]?["finish_reason"] == "tool_calls")
            let function = first["choices"]?[0]?["message"]?["tool_calls"]?[0]?["function"]
            #expect(function?["name"] == "check_calendar_availability")
            #expect(function?["arguments"] == #"{"preferred_date":"next Tuesday"}"#)
            #expect(first["usage"]?["total_tokens"]?.integer ?? 0 > 50)
        }
    }

    @Test("A stream brings the same answer in pieces, then its usage, then [DONE]")
    func stream() async throws {
        try await OpenAIBench.run { bench in
            let whole = try await bench.send(Self.interested).json()
            let body = Self.interested.merging(["stream": true, "stream_options": ["include_usage": true]])
            var events: [String] = []
            for try await event in bench.client.events(bench.request(body)) { events.append(event.data) }
            #expect(events.last == "[DONE]")
            let chunks = try events.dropLast().map { try JSON(parsing: $0) }
            let pieces = chunks.compactMap { $0["choices"]?[0]?["delta"]?["tool_calls"]?[0] }
            let arguments = pieces.compactMap { $0["function"]?["arguments"]?.string }.joined()
            let call = whole["choices"]?[0]?["message"]?["tool_calls"]?[0]
            #expect(pieces.count > 2)
            #expect(pieces.first?["id"] != nil)
            #expect(pieces.dropFirst().allSatisfy { $0["id"] == nil && $0["index"] == 0 })
            #expect(arguments == call?["function"]?["arguments"]?.string)
            #expect(chunks.last?["choices"] == [])
            #expect(chunks.last?["usage"] == whole["usage"])
        }
    }

    @Test("The package openai understands answers, streams and errors", .enabled(if: PythonPeer.isExpected))
    func peer() async throws {
        try await OpenAIBench.run { bench in
            let input: JSON = [
                "base_url": .string(bench.baseURL), "request": Self.interested,
                "schema_request": OpenAIStrictnessTests.withSchema([
                    "type": "object", "required": ["outcome", "summary"], "additionalProperties": false,
                    "properties": ["outcome": ["enum": ["completed", "busy"]], "summary": ["type": "string"]],
                ]),
            ]
            let output = try await PythonPeer.run(Self.script, input: input)
            #expect(output["name"] == "check_calendar_availability")
            #expect(output["streamed"] == #"{"preferred_date":"next Tuesday"}"#)
            #expect(output["usage"]?.integer ?? 0 > 0)
            #expect(output["outcome"] == "completed")
            #expect(output["error"] == "BadRequestError colour")
            #expect(output["models"]?.integer ?? 0 > 0)
        }
    }

    private static let script = #"""
        import json, sys, openai
        given = json.load(sys.stdin)
        client = openai.OpenAI(base_url=given["base_url"], api_key="sk-simulated", max_retries=0)
        whole = client.chat.completions.create(**given["request"])
        streamed, usage = "", None
        for chunk in client.chat.completions.create(
                **given["request"], stream=True, stream_options={"include_usage": True}):
            for choice in chunk.choices:
                for call in choice.delta.tool_calls or []:
                    streamed += call.function.arguments or ""
            usage = chunk.usage or usage
        structured = client.chat.completions.create(**given["schema_request"])
        try:
            client.chat.completions.create(**given["request"], extra_body={"colour": "red"})
            error = "none"
        except openai.APIStatusError as failure:
            error = f"{type(failure).__name__} {failure.param}"
        json.dump({
            "name": whole.choices[0].message.tool_calls[0].function.name, "streamed": streamed,
            "usage": usage.total_tokens, "error": error, "models": len(client.models.list().data),
            "outcome": json.loads(structured.choices[0].message.content)["outcome"],
        }, sys.stdout)
        """#
}
