import Agents
import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls

/// A turn is killed while it moves or cancels a meeting, and run again, as another worker would.
@Suite("A worker that dies while it changes a meeting")
struct ChangeCrashTests {
    /// Calls the tool, unless it has answered in this conversation, and says what came of it.
    private static func calling(_ name: String, _ arguments: JSON) -> ScriptedModel {
        ScriptedModel { request, number in
            let results = Scripts.results(in: request)
            if let last = results.last {
                return ModelResponse(text: last["success"] == true ? "Done." : "Not done.")
            }
            return .calling(name, arguments.text, id: "call_\(number)")
        }
    }

    private func kill(_ booked: BookedScene, by fault: FakeCalendar.Fault) async throws {
        _ = try await booked.scene.turn(1)
        booked.calendar.fail(fault)
        let worker = Task { try await booked.scene.turn(2, "Please change it") }
        await booked.calendar.death()
        worker.cancel()
        await #expect(throws: (any Error).self) { try await worker.value }
    }

    @Test(
        "… before or after the calendar moved it: it is moved once, and the agent says so",
        arguments: [
            FakeCalendar.Fault.dieBefore, .dieAfter,
        ])
    func moving(_ fault: FakeCalendar.Fault) async throws {
        let arguments: JSON = ["datetime": .string(BookedScene.wednesday("11:30"))]
        let booked = try await BookedScene(Self.calling(RescheduleMeetingTool.name, arguments))
        try await booked.recordBooking()
        try await kill(booked, by: fault)
        #expect(try await booked.meeting().newTime?.lowerBound == BookedScene.instant("11:30"))
        let answer = try await booked.scene.turn(2, "Please change it")
        #expect(answer.say == "Done.")
        #expect(try await booked.scene.turn(2, "Please change it") == answer)
        let meeting = try await booked.meeting()
        #expect(meeting.startsAt == BookedScene.instant("11:30"))
        #expect(meeting.newTime == nil)
        #expect(meeting.sequence == 1)
        #expect(booked.calendar.moves == 1)
        #expect(booked.calendar.events.map(\.startsAt) == [BookedScene.instant("11:30")])
    }

    @Test(
        "… before or after the calendar cancelled it: it is cancelled once, and the agent says so",
        arguments: [
            FakeCalendar.Fault.dieBefore, .dieAfter,
        ])
    func cancelling(_ fault: FakeCalendar.Fault) async throws {
        let booked = try await BookedScene(Self.calling(CancelMeetingTool.name, [:]))
        try await booked.recordBooking()
        try await kill(booked, by: fault)
        #expect(try await booked.meeting().isCancelRequested)
        let answer = try await booked.scene.turn(2, "Please change it")
        #expect(answer.say == "Done.")
        #expect(try await booked.scene.turn(2, "Please change it") == answer)
        #expect(try await booked.meeting().status == .cancelled)
        #expect(booked.calendar.cancellations == 1)
        #expect(booked.calendar.events.isEmpty)
    }

    @Test("… and the caller never comes back: reconciliation finishes it")
    func nobodyComesBack() async throws {
        let arguments: JSON = ["datetime": .string(BookedScene.wednesday("11:30"))]
        let booked = try await BookedScene(Self.calling(RescheduleMeetingTool.name, arguments))
        try await booked.recordBooking()
        try await kill(booked, by: .dieBefore)
        try await booked.services.postgres.query(
            "UPDATE meetings SET move_requested_at = move_requested_at - interval '5 minutes'")
        #expect(try await ReconcileCallsHandler(booked.services).settleMeetings(booked.services.logger) == 1)
        #expect(try await booked.meeting().startsAt == BookedScene.instant("11:30"))
        #expect(booked.calendar.moves == 1)
    }

    @Test(
        "A change that the model has no words for is said in ours, and a cancelled meeting is not spoken of as booked")
    func words() async throws {
        let silent = ScriptedModel { request, number in
            guard Scripts.results(in: request).isEmpty else { throw ModelError(.unavailable, "gone") }
            return .calling(CancelMeetingTool.name, "{}", id: "call_\(number)")
        }
        let booked = try await BookedScene(silent)
        try await booked.recordBooking()
        _ = try await booked.scene.turn(1)
        let said = try await booked.scene.turn(2, "Cancel it").say
        #expect(said.contains("is cancelled"))

        let claiming = ScriptedModel { request, number in
            Scripts.results(in: request).isEmpty
                ? .calling(CancelMeetingTool.name, "{}", id: "call_\(number)")
                : ModelResponse(text: "I've booked it for Wednesday.")
        }
        let other = try await BookedScene(claiming)
        try await other.recordBooking()
        _ = try await other.scene.turn(1)
        #expect(try await other.scene.turn(2, "Cancel it").say.contains("nothing is booked yet"))
    }
}

extension BookedScene {
    /// The booking's tool call is in the record, so that it does not look interrupted.
    func recordBooking() async throws {
        let meeting = try await meeting()
        let result: JSON = ["success": true, "meeting_id": .string(meeting.eventID ?? "")]
        try await services.postgres.query(
            """
            INSERT INTO tool_calls (call_id, turn_number, name, arguments, result, success, duration_ms)
            VALUES (\(scene.callID), 99, 'book_meeting', '{}', \(result), true, 1)
            """)
    }
}
