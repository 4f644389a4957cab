import Agents
import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls

/// A worker that was thought dead makes the event of a reservation that was given up.
@Suite("An event that comes too late")
struct LateEventTests {
    /// A booking whose event is made when reconciliation has found none and given the reservation up; its result.
    private func bookLate(_ scene: ConversationScene, then fault: FakeCalendar.Fault...) async throws -> ToolResult {
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        let tool = BookMeetingTool(meetings: MeetingTools(services: scene.services, state: state))
        scene.calendar.fail([.doLate] + fault)
        async let late = tool.execute([
            "datetime": .string(BookedScene.wednesday("10:00")), "guest_email": "ana@example.com",
            "guest_name": "Ana Ruiz",
        ])
        await scene.calendar.held()
        try await scene.services.postgres.query("UPDATE meetings SET created_at = now() - interval '5 minutes'")
        let open = try #require(try await MeetingRecords(scene.services).open(in: scene.callID).first)
        #expect(try await MeetingSettlement(scene.services).settle(open) == nil)
        #expect(try await scene.value("SELECT status FROM meetings") == "failed")
        scene.calendar.release()
        return try await late
    }

    @Test("An event that is made after its reservation was given up is deleted again, and its guest is not expected")
    func deleted() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let result = try await bookLate(scene)
        #expect(result.value["reason"] == "refused")
        #expect(scene.calendar.insertions == 1)
        #expect(scene.calendar.cancellations == 1)
        #expect(scene.calendar.events.isEmpty)
        #expect(try await scene.count("meetings", where: "status = 'failed' AND cancel_requested_at IS NULL") == 1)
    }

    @Test("… by reconciliation when the calendar does not answer its worker")
    func deletedLater() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let result = try await bookLate(scene, then: .fail)
        #expect(result.value["reason"] == "refused")
        #expect(scene.calendar.events.count == 1)
        try await scene.services.postgres.query(
            "UPDATE meetings SET cancel_requested_at = cancel_requested_at - interval '5 minutes'")
        let reconcile = ReconcileCallsHandler(scene.services)
        #expect(try await reconcile.settleMeetings(scene.services.logger) == 1)
        #expect(scene.calendar.events.isEmpty)
        #expect(try await reconcile.settleMeetings(scene.services.logger) == 0)
        #expect(try await scene.value("SELECT status FROM meetings") == "failed")
    }
}
