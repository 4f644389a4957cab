import Agents
import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls

/// The calendar is configured anew while meetings stand in the one before.
@Suite("A meeting in another calendar")
struct OtherCalendarTests {
    private func elsewhere(_ booked: BookedScene) async throws -> CallServices {
        var services = booked.services
        services.settings.calendarID = "new@example.com"
        // As Google's new calendar would, which has never heard of the event.
        services.calendar = FakeCalendar()
        return services
    }

    private func tools(_ booked: BookedScene, _ services: CallServices) async throws -> MeetingTools {
        MeetingTools(services: services, state: try await booked.tools().state)
    }

    @Test("A meeting in a calendar that is not configured is neither moved nor cancelled, and the model is told")
    func leftAlone() async throws {
        let booked = try await BookedScene(isInvitedByMail: true)
        let before = try await booked.meeting()
        let tools = try await tools(booked, elsewhere(booked))
        let moved = try await RescheduleMeetingTool(meetings: tools).execute([
            "datetime": .string(BookedScene.wednesday("11:30"))
        ])
        #expect(!moved.success && moved.value["reason"] == "other_calendar")
        let cancelled = try await CancelMeetingTool(meetings: tools).execute([:])
        #expect(!cancelled.success && cancelled.value["reason"] == "other_calendar")
        #expect(try await booked.meeting() == before)
        #expect(booked.calendar.events.count == 1)
        #expect(try await booked.jobs("send_email").count == 1, "nobody is told of a cancellation")
    }

    @Test("A caller whose change waits there is told once, not in every turn")
    func toldOnce() async throws {
        let booked = try await BookedScene()
        try await booked.services.postgres.query("UPDATE meetings SET cancel_requested_at = now()")
        var services = try await elsewhere(booked)
        services.model = ScriptedModel { _, _ in ModelResponse(text: "Hello.") }
        for turn in [4, 6, 8] {
            let job = ProcessConversation(callID: booked.scene.callID, turn: turn, speech: "Hello?", confidence: 0.9)
            _ = try await ConversationHandler(services).answer(job) { _, statements in
                try await booked.services.postgres.batch(statements)
            }
        }
        #expect(
            try await booked.scene.count(
                "tool_calls", where: "name = 'cancel_meeting' AND result->>'reason' = 'other_calendar'") == 1)
    }

    @Test("What was wanted of it waits for a worker that has its calendar, and does not hold up the others")
    func waits() async throws {
        let booked = try await BookedScene()
        try await booked.services.postgres.query(
            "UPDATE meetings SET cancel_requested_at = now() - interval '5 minutes'")
        let services = try await elsewhere(booked)
        #expect(try await ReconcileCallsHandler(services).settleMeetings(services.logger) == 0)
        #expect(try await MeetingRecords(services).countElsewhere(olderThan: .seconds(60)) == 1)
        let open = try #require(try await MeetingRecords(services).open(in: booked.scene.callID).first)
        #expect(try await MeetingSettlement(services).settle(open) == nil)
        #expect(try await booked.meeting().status == .confirmed)
        #expect(try await ReconcileCallsHandler(booked.services).settleMeetings(services.logger) == 1)
        #expect(try await booked.meeting().status == .cancelled)
        #expect(booked.calendar.events.isEmpty)
    }

    @Test("A reservation in it is not made an event of the new one, nor failed because that has no such event")
    func reservation() async throws {
        let booked = try await BookedScene()
        try await booked.services.postgres.query(
            """
            UPDATE meetings SET status = 'reserved', calendar_event_id = NULL, confirmed_at = NULL,
                created_at = now() - interval '5 minutes'
            """)
        let services = try await elsewhere(booked)
        let again = try await BookMeetingTool(meetings: tools(booked, services)).execute([
            "datetime": .string(BookedScene.wednesday("10:00")), "guest_email": "ana@example.com",
            "guest_name": "Ana Ruiz",
        ])
        #expect(again.value["reason"] == "unconfirmed")
        let open = try #require(try await MeetingRecords(services).open(in: booked.scene.callID).first)
        #expect(try await MeetingSettlement(services).settle(open) == nil)
        #expect(try await booked.meeting().status == .reserved)
    }

    @Test("What another provider held under the same id is left alone too, and keeps its time taken")
    func otherProvider() async throws {
        let booked = try await BookedScene()
        var services = booked.services
        services.calendar = LocalCalendar()
        let tools = try await tools(booked, services)
        #expect(try await CancelMeetingTool(meetings: tools).execute([:]).value["reason"] == "other_calendar")
        let start = BookedScene.instant("10:00")
        let taken = try await MeetingRecords(services).taken(from: start, to: start + 1_800)
        #expect(taken.count == 1)
        try await booked.services.postgres.query("UPDATE meetings SET calendar_link = NULL")
        #expect(try await CancelMeetingTool(meetings: self.tools(booked, services)).execute([:]).success)
    }
}
