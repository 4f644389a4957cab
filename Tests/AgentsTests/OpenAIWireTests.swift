import Platform
import TestSupport
import Testing

@testable import Agents

@Suite("Chat Completions on the wire")
struct OpenAIWireTests {
    private static let availability = ToolDescription(
        name: "check_calendar_availability", description: "Free slots.",
        parameters: ["type": "object", "properties": ["preferred_date": ["type": "string"]]])

    private static let conversation: [Message] = [
        .system("You are brief."), .user("Tuesday?"),
        .assistant(nil, toolCalls: [ToolCall(id: "call_1", name: "check_calendar_availability", arguments: "{}")]),
        .tool(callID: "call_1", #"{"success":true}"#), .assistant("At two."), .user("Good."),
    ]

    private static func bodies() -> [JSON] {
        var full = ModelRequest(messages: conversation, tools: [availability])
        full.temperature = 0.3
        full.maximumTokens = 200
        var wordsOnly = full
        wordsOnly.mayCallTools = false
        var structured = ModelRequest(messages: [.user("Summarize.")])
        structured.responseSchema = (name: "summary", schema: ["type": "object", "properties": [:]])
        return [full, wordsOnly, structured].flatMap { request in
            [false, true].map { ChatCompletionsRequest.body(request, model: "gpt-4o-mini", isStreaming: $0) }
        }
    }

    @Test("Every shape of request satisfies the types of the package openai", .enabled(if: PythonPeer.isExpected))
    func satisfiesTypes() async throws {
        try await OpenAITypes.checkRequests(Self.bodies())
    }

    @Test(
        "The check refuses what the types do not name",
        .enabled(if: PythonPeer.isExpected),
        arguments: [
            ["model": "m", "messages": [], "bogus": true],
            ["model": "m", "messages": [["role": "tool", "content": "no id"]]],
            ["model": "m", "messages": [["role": "user", "content": 1]]],
            ["messages": []],
        ] as [JSON])
    func checkRefuses(_ body: JSON) async {
        await #expect(throws: PeerFailure.self) { try await OpenAITypes.checkRequests([body]) }
    }

    @Test("A tool's result follows the message that called it, each under its call's id")
    func resultsFollowCalls() throws {
        let messages = try #require(Self.bodies()[0]["messages"]?.array)
        #expect(messages.map { $0["role"]?.string } == ["system", "user", "assistant", "tool", "assistant", "user"])
        #expect(messages[2]["tool_calls"]?[0]?["id"] == messages[3]["tool_call_id"])
        #expect(messages[2]["tool_calls"]?[0]?["type"] == "function")
        #expect(messages[2]["content"]?.isNull == true)
    }

    @Test(
        "A name that the model made up comes back as one that the API accepts",
        arguments: [
            ("multi_tool_use.parallel", "multi_tool_use_parallel"), ("", "unknown"), ("buscar día", "buscar_d_a"),
            (String(repeating: "a", count: 70), String(repeating: "a", count: 64)), ("book_meeting", "book_meeting"),
        ])
    func acceptedNames(_ made: String, _ sent: String) {
        let call = ToolCall(id: "call_1", name: made, arguments: "{}")
        let messages: [Message] = [.user("Hi"), .assistant(nil, toolCalls: [call]), .tool(callID: "call_1", "{}")]
        let body = ChatCompletionsRequest.body(ModelRequest(messages: messages), model: "m", isStreaming: false)
        #expect(body["messages"]?[1]?["tool_calls"]?[0]?["function"]?["name"]?.string == sent)
    }

    @Test("A request for words alone keeps its tools and forbids their use")
    func forbidsTools() {
        let body = Self.bodies()[2]
        #expect(body["tool_choice"] == "none")
        #expect(body["tools"]?.array?.count == 1)
    }

    @Test("Without tools the request names none")
    func leavesOutTools() {
        let body = ChatCompletionsRequest.body(ModelRequest(messages: [.user("Hi")]), model: "m", isStreaming: false)
        #expect(body.object?.keys.sorted() == ["messages", "model"])
    }
}
