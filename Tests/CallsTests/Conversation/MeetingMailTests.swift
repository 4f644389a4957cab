import FoundationEssentials
import Jobs
import Platform
import Postgres
import Testing

@testable import Calls

@Suite("Mails follow a meeting")
struct MeetingMailTests {
    private func calendars(_ booked: BookedScene) async throws -> [String] {
        try await booked.jobs("send_email").map {
            ($0["email"]?["calendar"]?.string ?? "").replacing("\r\n ", with: "")
        }
    }

    @Test("A guest who was invited by mail is told of each change by mail, as versions of one event")
    func tellsChanges() async throws {
        let booked = try await BookedScene(isInvitedByMail: true)
        _ = try await booked.reschedule(to: "11:30")
        _ = try await booked.cancel()
        let calendars = try await calendars(booked)
        #expect(calendars.count == 3)
        let key = try await booked.meeting().eventKey
        for (number, (calendar, method)) in zip(calendars, ["REQUEST", "REQUEST", "CANCEL"]).enumerated() {
            #expect(calendar.contains("\r\nUID:\(key)@operadora\r\n"))
            #expect(calendar.contains("\r\nSEQUENCE:\(number)\r\n"))
            #expect(calendar.contains("\r\nMETHOD:\(method)\r\n"))
            #expect(calendar.contains("\r\nORGANIZER:mailto:sales@example.com\r\n"))
        }
        let moved = Zone.utc.iso8601(BookedScene.instant("11:30")).prefix(19).filter { $0 != "-" && $0 != ":" }
        #expect(calendars[1].contains("\r\nDTSTART:\(moved)Z\r\n"))
    }

    @Test("A guest whom the calendar invited is told by the calendar alone")
    func leavesItToTheCalendar() async throws {
        let booked = try await BookedScene()
        _ = try await booked.reschedule(to: "11:30")
        _ = try await booked.cancel()
        #expect(try await booked.jobs("send_email").isEmpty)
    }

    @Test("A change that is finished after a crash, or by reconciliation, tells the guest once")
    func tellsOnce() async throws {
        let booked = try await BookedScene(isInvitedByMail: true)
        booked.calendar.fail(.fail, .fail)
        _ = try await booked.reschedule(to: "11:30")
        #expect(try await booked.jobs("send_email").count == 1)
        let open = try #require(try await MeetingRecords(booked.services).open(in: booked.scene.callID).first)
        let settlement = MeetingSettlement(booked.services)
        async let first = settlement.settle(open)
        async let second = settlement.settle(open)
        _ = try await (first, second)
        #expect(try await booked.jobs("send_email").count == 2)
        #expect(try await booked.jobs("remind_guest").count == 1)
    }

    @Test("What is out of date is not sent: an invitation to the old time, a reminder of it")
    func dropsOld() async throws {
        let bench = try await CallBench()
        let meeting: Int64 = try await bench.value(
            """
            INSERT INTO meetings (calendar_id, event_key, calendar_event_id, title, guest_email, starts_at, ends_at, status,
                sequence)
            VALUES ('primary', 'op12345', 'op12345', 'Demo', 'ana@example.com', now() + interval '23 h',
                now() + interval '24 h', 'confirmed', 1) RETURNING id
            """)
        for sequence in [0, 1] {
            let email = Email(purpose: "version \(sequence)", to: "ana@example.com", subject: "Demo", text: "")
            let mail = SendEmail(email, meetingID: meeting, meetingSequence: sequence)
            try await bench.services.queue.enqueue(mail, mail.options)
            let reminder = RemindGuest(meetingID: meeting, sequence: sequence)
            try await bench.services.queue.enqueue(reminder)
        }
        try await bench.runAll()
        #expect(Set(bench.mailer.sent.map(\.purpose)) == ["version 1", "reminder:\(meeting):1"])
        #expect(bench.mailer.sent.count == 2)
    }

    @Test("A meeting that is booked or moved into the next day has no reminder")
    func near() async throws {
        let booked = try await BookedScene()
        let records = MeetingRecords(booked.services)
        let soon = Date(timeIntervalSince1970: (Date.now.timeIntervalSince1970 / 60).rounded() * 60 + 7_200)
        let time = soon..<soon.addingTimeInterval(1_800)
        guard case .made(let begun) = try await records.beginMove(try await booked.meeting(), to: time) else {
            Issue.record("not begun")
            return
        }
        #expect(try await records.finishMove(begun, to: time, link: nil, notice: nil)?.startsAt == soon)
        #expect(try await booked.jobs("remind_guest").isEmpty)
        let other = try await booked.otherCall(phone: "+525588887777")
        for (hours, reminders) in [(23.0, 0), (25, 1)] {
            let start = soon.addingTimeInterval(hours * 3_600 - 7_200)
            let request = BookingRequest(
                callID: other, leadID: nil, title: "Demo", guestName: "Eva", guestEmail: "eva@example.com",
                startsAt: start, endsAt: start + 1_800, language: .english, zone: .utc)
            guard case .made(let reserved) = try await records.reserve(request) else {
                Issue.record("not reserved")
                return
            }
            let event = InsertedEvent(id: reserved.eventKey, link: nil, startsAt: start, endsAt: start + 1_800)
            #expect(try await records.confirm(reserved, as: event, invitation: nil) != nil)
            #expect(try await booked.jobs("remind_guest").count == reminders)
            try await booked.services.postgres.query("DELETE FROM meetings WHERE call_id = \(other)")
        }
    }
}
