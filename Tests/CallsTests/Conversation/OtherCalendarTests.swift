import Agents
import FoundationEssentials
import Platform
import Postgres
import TestSupport
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

    @Test("Meetings of the local calendar and of Google's are told apart, also those that stood before")
    func migrated() async throws {
        let bench = try await CallBench()
        let migrator = try Migrator(
            directory: TestDatabase.migrations, logger: Logger(label: "test", level: .critical))
        let later = try await migrator.status(bench.database.client).applied.filter { $0.number > 20 }
        _ = try await migrator.down(bench.database.client, count: later.count)
        try await bench.query(
            """
            INSERT INTO meetings (calendar_id, event_key, calendar_event_id, calendar_link, title, starts_at, ends_at, status)
            VALUES ('primary', 'op1', 'op1', NULL, 'Local', '2033-05-18T03:30Z', '2033-05-18T04:00Z', 'confirmed'),
                ('primary', 'op2', 'op2', 'https://g', 'Google', '2033-05-18T04:30Z', '2033-05-18T05:00Z', 'confirmed'),
                ('primary', 'op3', NULL, NULL, 'Open', '2033-05-18T05:30Z', '2033-05-18T06:00Z', 'reserved'),
                ('team', 'op4', 'op4', NULL, 'Team', '2033-05-18T06:30Z', '2033-05-18T07:00Z', 'confirmed')
            """)
        let calendars: PostgresQuery = "SELECT array_agg(title || ' ' || calendar_id ORDER BY id) FROM meetings"
        _ = try await migrator.up(bench.database.client)
        #expect(
            try await bench.value([String].self, calendars)
                == ["Local \(LocalCalendar.id)", "Google primary", "Open primary", "Team team"])
        _ = try await migrator.down(bench.database.client, count: later.count)
        #expect(
            try await bench.value([String].self, calendars)
                == ["Local primary", "Google primary", "Open primary", "Team team"])
    }
}
