import Agents
import FoundationEssentials
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("Cancelling a meeting")
struct CancelMeetingTests {
    @Test("Row, event and reminder go together, the time is free again, and the same again gets the same result")
    func cancels() async throws {
        let booked = try await BookedScene()
        let before = try await booked.meeting()
        let result = try await booked.cancel()
        #expect(result["success"] == true)
        #expect(result["meeting_id"]?.string == before.eventID)
        #expect(try await booked.meeting().status == .cancelled)
        #expect(booked.calendar.events.isEmpty)
        #expect(try await booked.jobs("remind_guest").isEmpty)
        #expect(try await booked.tools().finder(duration: 30).isFree(before.time))
        #expect(try await booked.cancel() == result)
        #expect(try await booked.cancel(["meeting_id": .string(before.eventID ?? "")]) == result)
        #expect(booked.calendar.cancellations == 1)
    }

    @Test("The same call may book again afterwards, also the very same time")
    func booksAgain() async throws {
        let booked = try await BookedScene()
        _ = try await booked.cancel()
        let again = try await BookMeetingTool(meetings: booked.tools()).execute([
            "datetime": .string(BookedScene.wednesday("10:00")), "guest_email": "ana@example.com",
            "guest_name": "Ana Ruiz", "meeting_title": "Demo",
        ])
        #expect(again.success)
        #expect(booked.calendar.events.count == 1)
        #expect(try await booked.scene.count("meetings", where: "status = 'confirmed'") == 1)
    }

    @Test("Without a meeting there is nothing to cancel, and the model is told so")
    func nothing() async throws {
        let scene = try await ConversationScene(Scripts.saying())
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        let tool = CancelMeetingTool(meetings: MeetingTools(services: scene.services, state: state))
        #expect(try await tool.execute([:]).value["reason"] == "no_meeting")
    }

    @Test(
        "A lost answer, or none: the wish stands, the agent does not say that it is done, and it is done later",
        arguments: [
            FakeCalendar.Fault.loseAnswer, .fail,
        ])
    func losesAnswer(_ fault: FakeCalendar.Fault) async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(fault)
        let result = try await booked.cancel()
        #expect(result["reason"] == "unconfirmed")
        #expect(try await booked.reschedule(to: "11:30")["reason"] == "unconfirmed")
        let open = try await MeetingRecords(booked.services).open(in: booked.scene.callID)
        #expect(try await MeetingSettlement(booked.services).settle(try #require(open.first)) == nil)
        #expect(try await booked.meeting().status == .cancelled)
        #expect(booked.calendar.cancellations == 1)
    }

    @Test(
        "A meeting that is cancelled in the table by cancel_requested_at is cancelled in the calendar by reconciliation"
    )
    func byHand() async throws {
        let booked = try await BookedScene()
        try await booked.services.postgres.query(
            "UPDATE meetings SET cancel_requested_at = now() - interval '5 minutes'")
        let reconcile = ReconcileCallsHandler(booked.services)
        let forgotten = try await MeetingRecords(booked.services).forgotten(olderThan: .seconds(60), limit: 10)
        #expect(forgotten.map(\.meeting.isCancelRequested) == [true])
        #expect(try await reconcile.settleMeetings(booked.services.logger) == 1)
        #expect(try await booked.meeting().status == .cancelled)
        #expect(booked.calendar.events.isEmpty)
    }

    @Test("The outcome of a call goes with its meeting, whoever cancels it, and whenever")
    func outcome() async throws {
        let booked = try await BookedScene()
        let call = booked.scene.callID
        let end: PostgresQuery =
            "UPDATE calls SET status = 'ended', ended_at = now(), outcome = 'meeting_scheduled' WHERE id = \(call)"
        try await booked.services.postgres.query(end)
        _ = try await booked.reschedule(to: "11:30")
        #expect(try await booked.scene.value("SELECT outcome FROM calls WHERE id = \(call)") == "meeting_scheduled")
        _ = try await booked.cancel(in: booked.otherCall(phone: booked.scene.phone))
        #expect(try await booked.scene.value("SELECT outcome FROM calls WHERE id = \(call)") == "completed")
        await #expect(throws: PostgresError.self) { try await booked.services.postgres.query(end) }
    }

    @Test("An outcome that is written while its meeting is being cancelled does not outlive it")
    func outcomeRace() async throws {
        let booked = try await BookedScene()
        let call = booked.scene.callID
        try await booked.services.postgres.withTransaction { connection in
            try await connection.query(
                "UPDATE calls SET status = 'ended', ended_at = now(), outcome = 'meeting_scheduled' WHERE id = \(call)")
            // It has to wait for the end of this transaction.
            Task { try await booked.cancel() }
            let waiting = "datname = current_database() AND wait_event_type = 'Lock'"
            #expect(try await eventually { try await booked.scene.count("pg_stat_activity", where: waiting) > 0 })
        }
        #expect(try await eventually { try await booked.meeting().status == .cancelled })
        #expect(try await booked.scene.value("SELECT outcome FROM calls WHERE id = \(call)") == "completed")
    }
}
