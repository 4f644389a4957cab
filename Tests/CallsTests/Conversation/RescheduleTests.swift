import Agents
import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls

@Suite("Moving a meeting")
struct RescheduleTests {
    @Test("Row, event and reminder go to the new time together, under the same id, and the old time is free again")
    func moves() async throws {
        let booked = try await BookedScene()
        let before = try await booked.meeting()
        let result = try await booked.reschedule(to: "11:30")
        #expect(result["success"] == true)
        #expect(result["meeting_id"]?.string == before.eventID)
        #expect(result["meeting"]?["datetime"]?.string == BookedScene.wednesday("11:30"))
        let after = try await booked.meeting()
        #expect(after.time == BookedScene.instant("11:30")..<BookedScene.instant("12:00"))
        #expect(after.status == .confirmed)
        #expect(after.eventID == before.eventID)
        #expect(after.sequence == 1)
        #expect(booked.calendar.events.map(\.startsAt) == [after.startsAt])
        let reminders: [Date] = try await booked.services.postgres.query(
            "SELECT run_at FROM jobs WHERE kind = 'remind_guest'"
        ).map { try $0.decode(Date.self) }
        #expect(reminders == [after.startsAt.addingTimeInterval(-86_400)])
        let finder = try await booked.tools().finder(duration: 30)
        #expect(try await finder.isFree(before.time))
        #expect(try await !finder.isFree(after.time))
    }

    @Test("Saying the same again changes nothing and gives the same result")
    func repeats() async throws {
        let booked = try await BookedScene()
        let first = try await booked.reschedule(to: "11:30")
        #expect(try await booked.reschedule(to: "11:30") == first)
        #expect(booked.calendar.moves == 1)
        #expect(try await booked.meeting().sequence == 1)
    }

    @Test("A meeting may be moved into its own time, and made longer")
    func overlapsItself() async throws {
        let booked = try await BookedScene()
        #expect(try await booked.reschedule(to: "10:15")["success"] == true)
        #expect(try await booked.reschedule(to: "10:00", ["duration_minutes": 60])["success"] == true)
        #expect(try await booked.meeting().time == BookedScene.instant("10:00")..<BookedScene.instant("11:00"))
        #expect(try await booked.reschedule(to: "12:00")["meeting"]?["end"]?.string == BookedScene.wednesday("13:00"))
    }

    @Test("A time that is taken is refused with the next ones, and the meeting stays")
    func taken() async throws {
        let booked = try await BookedScene()
        booked.calendar.setBusy([BookedScene.instant("12:00")..<BookedScene.instant("13:00")])
        let result = try await booked.reschedule(to: "12:30")
        #expect(result["reason"] == "taken")
        #expect(result["available_slots"]?[0]?["datetime"]?.string == BookedScene.wednesday("13:00"))
        #expect(try await booked.meeting().startsAt == BookedScene.instant("10:00"))
        #expect(booked.calendar.moves == 0)
    }

    @Test("Of a booking and a move that want a time at the same moment one gets it")
    func races() async throws {
        let booked = try await BookedScene()
        let records = MeetingRecords(booked.services)
        let meeting = try await booked.meeting()
        let time = BookedScene.instant("15:00")..<BookedScene.instant("15:30")
        let other = try await booked.otherCall(phone: "+525599990000")
        let request = BookingRequest(
            callID: other, leadID: nil, title: "Other", guestName: "Eva", guestEmail: "eva@example.com",
            startsAt: time.lowerBound, endsAt: time.upperBound, language: .english, zone: .utc)
        for _ in 0..<30 {
            async let move = records.beginMove(meeting, to: time)
            async let booking = records.reserve(request)
            let (intent, reservation) = (try await move, try await booking)
            switch (intent, reservation) {
            case (.made, .taken), (.taken, .made): break
            default: Issue.record("\(intent) and \(reservation)")
            }
            _ = try await records.dropMove(meeting, to: time)
            try await booked.services.postgres.query("DELETE FROM meetings WHERE call_id = \(other)")
        }
    }

    @Test(
        "A time at which no meeting may be held is refused with the reason",
        arguments: [
            ("2020-01-10T10:00:00-06:00", "past"), ("2099-01-08T10:00:00-06:00", "too_far"), ("03:00", "outside_hours"),
        ])
    func impossible(_ time: String, _ reason: String) async throws {
        let booked = try await BookedScene()
        let datetime = time.count == 5 ? BookedScene.wednesday(time) : time
        let result = try await RescheduleMeetingTool(meetings: booked.tools()).execute(["datetime": .string(datetime)])
        #expect(result.value["reason"]?.string == reason)
        #expect(try await booked.meeting().startsAt == BookedScene.instant("10:00"))
    }

    @Test("A lost answer is followed by a question, and the event is moved once")
    func losesAnswer() async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(.loseAnswer)
        #expect(try await booked.reschedule(to: "11:30")["success"] == true)
        #expect(booked.calendar.moves == 1)
        #expect(try await booked.meeting().sequence == 1)
    }

    @Test(
        "A calendar that gives no answer leaves both times held; it is not said to be moved, and is finished later"
    )
    func leavesBothTimes() async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(.fail, .fail)
        let result = try await booked.reschedule(to: "11:30")
        #expect(result["reason"] == "unconfirmed")
        #expect(result["success"] == false)
        #expect(try await booked.meeting().startsAt == BookedScene.instant("10:00"))
        let finder = try await booked.tools().finder(duration: 30)
        for time in ["10:00", "11:30"] {
            let slot = BookedScene.instant(time)..<BookedScene.instant(time).addingTimeInterval(1_800)
            #expect(try await !finder.isFree(slot), "\(time)")
        }
        #expect(try await booked.reschedule(to: "14:00")["reason"] == "unconfirmed")
        let open = try await MeetingRecords(booked.services).open(in: booked.scene.callID)
        #expect(try await MeetingSettlement(booked.services).settle(try #require(open.first)) == nil)
        #expect(try await booked.meeting().startsAt == BookedScene.instant("11:30"))
        #expect(booked.calendar.moves == 1)
    }

    @Test("A calendar that refuses leaves the meeting where it was, frees the new time and says so")
    func refused() async throws {
        let booked = try await BookedScene()
        booked.calendar.fail(.refuse)
        let result = try await booked.reschedule(to: "11:30")
        #expect(result["reason"] == "refused")
        #expect(result["available_slots"]?.array?.isEmpty == false)
        let meeting = try await booked.meeting()
        #expect(meeting.startsAt == BookedScene.instant("10:00"))
        #expect(meeting.newTime == nil)
    }

    @Test("An event that somebody deleted in the calendar is not moved: the row follows, and a new booking is offered")
    func deletedElsewhere() async throws {
        let booked = try await BookedScene()
        try await booked.calendar.cancel(try #require(try await booked.meeting().eventID))
        #expect(try await booked.reschedule(to: "11:30")["reason"] == "no_meeting")
        #expect(try await booked.meeting().status == .cancelled)
        let again = try await BookMeetingTool(meetings: booked.tools()).execute([
            "datetime": .string(BookedScene.wednesday("11:30")), "guest_email": "ana@example.com", "guest_name": "Ana",
        ])
        #expect(again.success)
    }

    @Test("Booking the old time again in the same words, after a move, is told of the meeting that there is")
    func bookedWordsAgain() async throws {
        let booked = try await BookedScene()
        _ = try await booked.reschedule(to: "11:30")
        let again = try await BookMeetingTool(meetings: booked.tools()).execute([
            "datetime": .string(BookedScene.wednesday("10:00")), "guest_email": "ana@example.com",
            "guest_name": "Ana Ruiz", "meeting_title": "Demo",
        ])
        #expect(again.value["reason"] == "call_has_a_meeting")
        #expect(again.value["booked_meeting"]?["datetime"]?.string == BookedScene.wednesday("11:30"))
    }

    @Test("A later call with the same number may move the meeting, and is told of it; one with another number may not")
    func byNumber() async throws {
        let booked = try await BookedScene()
        let same = try await booked.otherCall(phone: booked.scene.phone)
        let stranger = try await booked.otherCall(phone: "+525500000000")
        let id = try #require(try await booked.meeting().eventID)
        #expect(try await booked.reschedule(to: "12:00", in: stranger)["reason"] == "no_meeting")
        #expect(
            try await booked.reschedule(to: "12:00", ["meeting_id": .string(id)], in: stranger)["reason"]
                == "no_meeting")
        #expect(try await booked.cancel(in: stranger)["reason"] == "no_meeting")
        let prompt = ConversationPrompt(
            state: try await booked.tools(in: same).state, toolNames: [RescheduleMeetingTool.name], hangUpName: nil,
            businessHours: .office, businessTimezone: "UTC")
        guard case .system(let text) = prompt.messages(caller: "Hi", answeringAs: 3).first else { return }
        #expect(text.contains(id) && text.contains(BookedScene.wednesday("10:00")))
        #expect(try await booked.reschedule(to: "12:00", in: same)["success"] == true)
        #expect(try await booked.meeting().startsAt == BookedScene.instant("12:00"))
    }

    @Test("Callers who withhold their number, and so have the same one, do not have each other's meetings")
    func withheldNumber() async throws {
        let booked = try await BookedScene()
        let other = try await booked.otherCall(phone: "+266696687")
        try await booked.services.postgres.query("UPDATE meetings SET phone = '+266696687'")
        #expect(try await booked.cancel(in: other)["reason"] == "no_meeting")
        #expect(try await booked.meeting().status == .confirmed)
    }

    @Test("A caller with several meetings is asked which one; the id tells them apart")
    func several() async throws {
        let booked = try await BookedScene()
        let call = try await booked.otherCall(phone: booked.scene.phone)
        _ = try await BookMeetingTool(meetings: booked.tools(in: call)).execute([
            "datetime": .string(BookedScene.wednesday("16:00")), "guest_email": "ana@example.com", "guest_name": "Ana",
        ])
        let asked = try await booked.reschedule(to: "17:00")
        #expect(asked["reason"] == "which_meeting")
        #expect(asked["meetings"]?.array?.count == 2)
        let id = try #require(asked["meetings"]?[0]?["meeting_id"])
        #expect(try await booked.reschedule(to: "17:00", ["meeting_id": id])["success"] == true)
        #expect(try await booked.reschedule(to: "17:30", ["meeting_id": "op00000"])["reason"] == "no_meeting")
        #expect(try await booked.cancel()["reason"] == "which_meeting")
    }
}
