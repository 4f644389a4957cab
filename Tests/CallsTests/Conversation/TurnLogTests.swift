import Agents
import Platform
import Synchronization
import Testing

@testable import Calls

@Suite("The log of a turn") struct TurnLogTests {
    @Test("Each tool call is a line at info with its call and turn, and no line has a word, an argument or a result")
    func namesCalls() async throws {
        let lines = Mutex<[String]>([])
        var options = ConversationScene.Options()
        options.logger = Logger(label: "test", level: .debug, format: .json) { line in
            lines.withLock { $0.append(line) }
        }
        let model = ScriptedModel([
            .calling("check_calendar_availability", #"{"preferred_date":"tomorrow"}"#),
            .calling("nope", #"{"a":"zanzibar"}"#), ModelResponse(text: "How about ten?"),
        ])
        let scene = try await ConversationScene(model, options)
        _ = try await scene.turn(2, "Is wombat day free?")
        let all = try lines.withLock { $0 }.map { try JSON(parsing: $0) }
        let begun = all.filter { $0["message"] == "tool call begun" }
        #expect(begun.map { $0["tool"] } == ["check_calendar_availability", "nope"])
        #expect(begun.allSatisfy { $0["level"] == "debug" && $0["call"] != nil && $0["turn"] == "3" })
        let ended = all.filter { $0["message"] == "tool call ended" }
        #expect(ended.map { $0["tool"] } == ["check_calendar_availability", "nope"])
        #expect(ended.map { $0["success"] } == ["true", "false"] && ended.map { $0["level"] } == ["info", "info"])
        let run = all.filter { $0["run"] != nil }
        #expect(run.contains { $0["message"] == "model asked" } && run.contains { $0["message"] == "agent run ended" })
        #expect(run.allSatisfy { $0["call"] == .string("\(scene.callID)") && $0["turn"] == "3" })
        let text = lines.withLock { $0.joined() }
        for word in ["wombat", "zanzibar", "tomorrow", "datetime", "How about"] { #expect(!text.contains(word)) }
    }
}
