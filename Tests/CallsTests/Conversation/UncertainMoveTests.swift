import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls

/// A calendar that loses an answer and refuses what comes after it.
@Suite("A move of which nobody knows whether it was made")
struct UncertainMoveTests {
    private let time = BookedScene.instant("11:30")..<BookedScene.instant("12:00")

    private func settle(_ booked: BookedScene) async throws -> Duration? {
        let open = try await MeetingRecords(booked.services).open(in: booked.scene.callID)
        return try await MeetingSettlement(booked.services).settle(try #require(open.first))
    }

    @Test("A move whose answer was lost is not given up because the calendar then cannot be read and refuses")
    func unreadable() async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(.loseAnswerAndReading, .refuse)
        #expect(try await booked.reschedule(to: "11:30")["reason"] == "unconfirmed")
        #expect(try await booked.meeting().newTime?.lowerBound == BookedScene.instant("11:30"))
        booked.calendar.setUnreadable(false)
        booked.calendar.fail()
        #expect(try await settle(booked) == nil)
        #expect(try await booked.meeting().startsAt == BookedScene.instant("11:30"))
        #expect(booked.calendar.events.map(\.startsAt) == [BookedScene.instant("11:30")])
        #expect(booked.calendar.moves == 1)
    }

    @Test("… nor because it refuses a second request while the first may still arrive; long after it a refusal is one")
    func underWay() async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(.fail, .refuse)
        #expect(try await booked.reschedule(to: "11:30")["reason"] == "unconfirmed")
        #expect(try await booked.meeting().newTime?.lowerBound == BookedScene.instant("11:30"))
        booked.calendar.fail(.refuse)
        #expect(try await settle(booked) != nil)
        try await booked.services.postgres.query(
            "UPDATE meetings SET move_requested_at = move_requested_at - interval '5 minutes'")
        booked.calendar.fail(.refuse)
        #expect(try await settle(booked) == nil)
        let meeting = try await booked.meeting()
        #expect(meeting.newTime == nil)
        #expect(meeting.startsAt == BookedScene.instant("10:00"))
    }

    @Test("Reconciliation does not ask for a move of which the calendar cannot say whether it was made")
    func asksFirst() async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(.loseAnswerAndReading, .refuse)
        _ = try await booked.reschedule(to: "11:30")
        try await booked.services.postgres.query(
            "UPDATE meetings SET move_requested_at = move_requested_at - interval '5 minutes'")
        booked.calendar.fail(.refuse)
        #expect(try await settle(booked) != nil)
        #expect(try await booked.meeting().newTime?.lowerBound == BookedScene.instant("11:30"))
    }

    @Test("A late refusal leaves the move to another time that somebody began meanwhile")
    func lateRefusal() async throws {
        let booked = try await BookedScene()
        let records = MeetingRecords(booked.services)
        let before = try await booked.meeting()
        let second = BookedScene.instant("14:00")..<BookedScene.instant("14:30")
        booked.calendar.fail(.refuseLate)
        async let late = booked.reschedule(to: "11:30")
        await booked.calendar.held()
        // The same refusal was written by another one, and the caller has agreed to another time.
        #expect(try await records.dropMove(before, to: time))
        _ = try await records.beginMove(before, to: second)
        booked.calendar.release()
        #expect(try await late["reason"] == "unconfirmed")
        #expect(try await booked.meeting().newTime == second)
    }

    @Test(
        "Of two that move a meeting to the same time at once the second asks what became of it, and its guests are told once"
    )
    func atOnce() async throws {
        let booked = try await BookedScene()
        // Both have read the row before either wrote.
        let before = try await booked.meeting()
        let changer = try await booked.tools().changer
        booked.calendar.fail(.loseAnswerLate)
        async let first = changer.move(before, to: time)
        await booked.calendar.held()
        guard case .done(let moved) = try await changer.move(before, to: time) else {
            booked.calendar.release()
            _ = try await first
            Issue.record("it is not moved")
            return
        }
        booked.calendar.release()
        guard case .done(let same) = try await first else {
            Issue.record("the first does not find it moved")
            return
        }
        #expect(same == moved)
        #expect(booked.calendar.moveRequests == 1)
        #expect(try await booked.meeting().sequence == 1)
    }

    @Test("What the calendar moved is moved, also when another request for the same was refused and the wish dropped")
    func droppedMeanwhile() async throws {
        let booked = try await BookedScene()
        #expect(try await moveDroppedMeanwhile(booked)["success"] == true)
        #expect(try await booked.meeting().time == time)
        #expect(booked.calendar.events.map(\.startsAt) == [time.lowerBound])
    }

    @Test("… and is not said to stay where it was when its new time was given away meanwhile")
    func givenAway() async throws {
        let booked = try await BookedScene()
        let before = try await booked.meeting()
        let answer = try await moveDroppedMeanwhile(booked) {
            try await booked.services.postgres.query(
                """
                INSERT INTO meetings (calendar_id, event_key, title, starts_at, ends_at)
                VALUES ('primary', 'op99999', 'Other', \(time.lowerBound), \(time.upperBound))
                """)
        }
        #expect(answer["reason"] == "unconfirmed")
        #expect(try await booked.meeting().time == before.time)
    }

    /// What the model is told of a move that the calendar made, while its answer was under way and the wish was dropped.
    private func moveDroppedMeanwhile(
        _ booked: BookedScene, _ andThen: () async throws -> Void = {}
    ) async throws -> JSON {
        let before = try await booked.meeting()
        booked.calendar.fail(.loseAnswerLate)
        async let move = booked.reschedule(to: "11:30")
        await booked.calendar.held()
        #expect(try await MeetingRecords(booked.services).dropMove(before, to: time))
        try await andThen()
        booked.calendar.release()
        return try await move
    }
}
