import HTTP
import Platform
import TestSupport
import Testing

@testable import Simulators

@Suite("Prompts made by BAML", .enabled(if: PythonPeer.isExpected))
struct PromptedFormTests {
    private static let instructions = "Speak English.\nKnown, as data: {\"name\":\"Ana\",\"email\":\"ana@example.com\"}"

    /// What the simulated model answers to a function, by way of BAML.
    private func answer(_ function: String, _ arguments: [String: JSON]) async throws -> JSON {
        let logger = Logger(label: "test", level: .critical)
        let openAI = SimulatedOpenAI(logger: logger)
        let baml = try await BAMLServer.start(modelURL: try openAI.start())
        let client = HTTPClient(logger: logger)
        var request = HTTPClientRequest(
            .post, "\(baml.url)/call/\(function)",
            json: .object(arguments.merging(["instructions": .string(Self.instructions)]) { $1 }))
        request.headers["x-baml-api-key"] = BAMLServer.password
        let response = try await client.send(request)
        await client.shutDown()
        await baml.stop()
        await openAI.stop()
        #expect(response.status == 200)
        return try response.json()
    }

    @Test("Tools, history and results in words are understood as they are in the API's fields")
    func turn() async throws {
        let slots = SalesTools.slots.text
        let (day, choice) = (#"{"preferred_date":"tomorrow"}"#, "The first one, please.")
        var prompt = try ChatRequest([
            "model": "m", "messages": [["role": "system", "content": .string(Self.instructions)]],
            "tools": [SalesTools.check, SalesTools.book],
        ]).prompt
        prompt.messages += [
            .init(role: "user", text: "Tomorrow?"),
            .init(
                role: "assistant", toolCalls: [.init(id: "1", name: "check_calendar_availability", arguments: day)]),
            .init(role: "tool", text: slots, toolCallID: "1"),
            .init(role: "assistant", text: "Ten or three?"), .init(role: "user", text: .some(choice)),
        ]
        let expected = SalesModel(prompt: prompt).answer()
        #expect(expected.calls.map(\.name) == ["book_meeting"])

        let tools = [SalesTools.check, SalesTools.book].map { $0["function"] ?? nil }
        let answer = try await answer(
            "AnswerTurn",
            [
                "tools": .string(JSON.array(tools).text), "may_call_tools": true,
                "messages": [
                    ["role": "user", "text": "Tomorrow?"],
                    [
                        "role": "assistant", "text": nil,
                        "calls": [["tool": "check_calendar_availability", "args_json": .string(day)]],
                    ],
                    ["role": "tool", "tool": "check_calendar_availability", "text": .string(slots)],
                    ["role": "assistant", "text": "Ten or three?"], ["role": "user", "text": .string(choice)],
                ],
            ])
        #expect(answer["calls"] == [["tool": "book_meeting", "args_json": expected.calls[0].arguments]])
    }

    @Test("The form of an answer is read from the prompt, be it a type of BAML or a JSON Schema")
    func structures() async throws {
        let messages: JSON = [["role": "user", "text": "agent: Hello!\nperson: I'm not interested."]]
        let conclusion = try await answer("ConcludeCall", ["messages": messages])
        #expect(conclusion["outcome"] == "not_interested" && conclusion["interest"] == "none")
        #expect(conclusion["email"] == .some(nil) && conclusion["summary"]?.string?.isEmpty == false)
        let schema: JSON = [
            "type": "object", "properties": ["email": ["type": ["string", "null"]], "n": ["const": 4]],
        ]
        let any = try await answer("AnswerBySchema", ["messages": messages, "schema": .string(schema.text)])
        #expect(any == ["email": nil, "n": 4])
    }
}
