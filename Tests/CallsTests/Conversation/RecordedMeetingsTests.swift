import Agents
import FoundationEssentials
import Platform
import Testing

@testable import Calls

@Suite struct RecordedMeetingsTests {
    private func call(_ name: String, _ id: String, _ hour: Int, success: Bool = true) -> ChatToolCall {
        let result: JSON = [
            "success": .bool(success), "meeting_id": .string(id),
            "meeting": [
                "datetime": .string("2026-03-11T\(hour):00:00-06:00"), "end": .string("2026-03-11T\(hour):30:00-06:00"),
            ],
        ]
        return ChatToolCall(
            ToolExecution(
                call: ToolCall(id: "c", name: name, arguments: "{}"), arguments: [:],
                result: ToolResult(success: success, value: result)))
    }

    @Test("What a recorded conversation booked, moved and cancelled stands as it stood then")
    func changes() throws {
        let book = call(BookMeetingTool.name, "a", 10)
        let move = call(RescheduleMeetingTool.name, "a", 12)
        let noon = try Date("2026-03-11T18:00:00Z", strategy: .iso8601)
        #expect(Meeting.left(by: [call(BookMeetingTool.name, "a", 10, success: false)]).isEmpty)
        let moved = Meeting.left(by: [book, book, move, call(BookMeetingTool.name, "b", 15)])
        #expect(moved.map(\.eventID) == ["a", "b"] && moved.map(\.status) == [.confirmed, .confirmed])
        #expect(moved[0].startsAt == noon && moved[0].sequence == 1 && moved[0].callID == nil)
        let cancelled = Meeting.left(by: [book, move, call(CancelMeetingTool.name, "a", 12)])
        #expect(cancelled.map(\.status) == [.cancelled])
    }
}
