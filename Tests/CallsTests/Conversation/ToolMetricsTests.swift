import Agents
import Platform
import Testing

@testable import Calls

@Suite("Tool calls in the metrics") struct ToolMetricsTests {
    @Test("Each is timed under its tool and success; names that no tool has are one")
    func times() async throws {
        let model = ScriptedModel([
            .calling("abrirEnlace", #"{"url":"canaco.com"}"#), .calling("nope"), .calling("nope_again"),
            .calling("check_calendar_availability", #"{"preferred_date":"tomorrow"}"#), ModelResponse(text: "Yes."),
        ])
        let scene = try await ConversationScene(model)
        _ = try await scene.turn(2, "Is tomorrow free?")
        let text = scene.services.metrics.render()
        let counts = text.split(separator: "\n").filter { $0.hasPrefix("operadora_tool_call_seconds_count") }
        #expect(
            counts.map(String.init).sorted() == [
                #"operadora_tool_call_seconds_count{success="false",tool="abrirEnlace"} 1"#,
                #"operadora_tool_call_seconds_count{success="false",tool="unknown"} 2"#,
                #"operadora_tool_call_seconds_count{success="true",tool="check_calendar_availability"} 1"#,
            ])
    }
}
