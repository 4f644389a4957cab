import Agents
import Platform
import Synchronization
import Testing

@testable import Calls

@Suite("The record of tool calls")
struct ToolCallRecordsTests {
    private let quiet = Logger(label: "test", level: .critical)

    @Test("What a tool did before its worker died is not done again: the same call gets what is recorded")
    func survivesTheWorker() async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        let sent = Mutex(0)
        let mail = FunctionTool("send_brochure", "Mails the brochure.") { _ in
            sent.withLock { $0 += 1 }
            return ToolResult(success: true, value: ["sent": true, "note": "a NUL \0 cannot be stored"])
        }
        let executor = ToolExecutor(registry: try ToolRegistry([mail]), logger: quiet)
        let first = try await executor.execute([
            ToolCall(id: "call_1", name: "send_brochure", arguments: #"{"to":"ana@example.com","pages":2}"#)
        ]) { try await ToolCallRecords(scene.services.postgres).record($0, of: scene.callID, turnNumber: 2) }
        #expect(first[0].origin == .executed)

        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        let again = try await executor.execute(
            [ToolCall(id: "call_7", name: "send_brochure", arguments: #"{"pages":2,"to":"ana@example.com"}"#)],
            earlier: state.toolCalls.map(\.execution))
        #expect(again[0].origin == .repeated)
        #expect(again[0].result.value == ["sent": true, "note": "a NUL  cannot be stored"])
        #expect(sent.withLock { $0 } == 1)
    }

    @Test("A refused call has its row too, with the text that the model wrote, also without a telephone call")
    func keepsEverything() async throws {
        let scene = try await ConversationScene(ScriptedModel([]))
        let executor = ToolExecutor(registry: ToolRegistry(), logger: quiet)
        let records = ToolCallRecords(scene.services.postgres)
        _ = try await executor.execute([ToolCall(id: "call_1", name: "nonsense", arguments: "{not json")]) {
            try await records.record($0, of: nil, turnNumber: nil)
        }
        #expect(
            try await scene.count(
                "tool_calls",
                where: "call_id IS NULL AND name = 'nonsense' AND NOT success AND arguments = '\"{not json\"'") == 1)
    }
}
