import Agents
import FoundationEssentials
import Platform
import Testing

@testable import Calls

/// A change whose answer was lost, and a caller who changes their mind.
@Suite("Booking what is being moved or cancelled")
struct ChangingMeetingTests {
    private func bookAgain(_ booked: BookedScene, at time: String = "10:00") async throws -> JSON {
        try await BookMeetingTool(meetings: booked.tools()).execute([
            "datetime": .string(BookedScene.wednesday(time)), "guest_email": "ana@example.com",
            "guest_name": "Ana Ruiz", "meeting_title": "Demo",
        ]).value
    }

    private func settle(_ booked: BookedScene) async throws {
        for open in try await MeetingRecords(booked.services).open(in: booked.scene.callID) {
            _ = try await MeetingSettlement(booked.services).settle(open)
        }
    }

    @Test("A meeting that is being cancelled is not booked by asking for it again: it will be gone")
    func cancelling() async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(.fail)
        #expect(try await booked.cancel()["reason"] == "unconfirmed")
        let again = try await bookAgain(booked)
        #expect(again["success"] == false)
        #expect(again["reason"] == "unconfirmed")
        #expect(again["error"]?.string?.contains("is being cancelled") == true)
        try await settle(booked)
        #expect(booked.calendar.events.isEmpty)
        #expect(try await bookAgain(booked)["success"] == true)
        #expect(booked.calendar.events.count == 1)
    }

    @Test("A reply that calls a meeting booked which is being cancelled is not spoken")
    func claim() async throws {
        let booked = try await BookedScene()
        let before = try await booked.tools().state
        #expect(
            FalseClaim(in: "I've booked it.", after: CommittedChanges([], AgentRun(stop: .answered)), before, .calendar)
                == nil)
        booked.calendar.fail(.fail)
        _ = try await booked.cancel()
        let state = try await booked.tools().state
        #expect(
            FalseClaim(in: "I've booked it.", after: CommittedChanges([], AgentRun(stop: .answered)), state, .calendar)
                == .booked)
    }

    @Test(
        "A meeting that is being moved is booked neither at its old time nor at its new one",
        arguments: ["10:00", "11:30"])
    func moving(_ time: String) async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(.fail, .fail)
        #expect(try await booked.reschedule(to: "11:30")["reason"] == "unconfirmed")
        let again = try await bookAgain(booked, at: time)
        #expect(again["success"] == false)
        #expect(again["reason"] == "unconfirmed")
        #expect(again["error"]?.string?.contains("is being moved") == true)
        #expect(again["meeting"]?["datetime"]?.string == BookedScene.wednesday("11:30"))
        try await settle(booked)
        #expect(try await bookAgain(booked, at: "11:30")["success"] == true)
        #expect(booked.calendar.insertions == 1)
    }
}
