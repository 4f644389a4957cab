import FoundationEssentials
import Platform
import Testing

@testable import Calls

@Suite("What a guest is told of a meeting by mail")
struct MeetingNoticeTests {
    private func meeting(title: String = "Sales Meeting", status: MeetingStatus = .confirmed, sequence: Int = 0)
        -> Meeting
    {
        let start = TurnFixtures.zone.date(of: CivilTime(year: 2026, month: 3, day: 11, hour: 14))
        var meeting = Meeting(
            id: 17, callID: 7, leadID: 3, status: status, eventKey: "op0123", title: title, guestName: "Ana Ruiz",
            guestEmail: "ana@example.com", startsAt: start, endsAt: start.addingTimeInterval(1_800))
        meeting.sequence = sequence
        return meeting
    }

    private func notice(
        _ meeting: Meeting, _ language: Language = .english, organizer: String? = "sales@example.com"
    ) throws -> Email {
        let notice = MeetingNotice(
            meeting, language: language, zone: TurnFixtures.zone, organizer: organizer,
            stamp: Date(timeIntervalSince1970: 1_773_000_000))
        return try #require(notice.email)
    }

    /// The event's properties, unfolded.
    private func lines(_ email: Email) -> [String] {
        (email.calendar ?? "").replacing("\r\n ", with: "").split(separator: "\r\n").map(String.init)
    }

    @Test("It says when in the guest's language and zone", arguments: Language.allCases)
    func says(_ language: Language) throws {
        let start = meeting().startsAt
        let when = SpokenDates(language: language.rawValue, zone: TurnFixtures.zone, now: start).say(start)
        let kinds = [meeting(), meeting(sequence: 1), meeting(status: .cancelled, sequence: 2)]
        let emails = try kinds.map { try notice($0, language) }
        for email in emails {
            #expect(email.to == "ana@example.com")
            #expect(email.text.contains(when) && email.text.contains("America/Mexico_City"))
            #expect(email.text.contains("Ana Ruiz") && email.text.contains("Sales Meeting"))
        }
        #expect(Set(emails.map(\.subject)).count == 3)
    }

    @Test("Each version is a mail of its own, and a version that is told again is the same mail")
    func purposes() throws {
        #expect(try notice(meeting()).purpose == "invitation:17")
        #expect(try notice(meeting(sequence: 2)).purpose == "change:17:2")
        #expect(try notice(meeting(status: .cancelled, sequence: 3)).purpose == "cancellation:17")
    }

    @Test("Its event is RFC 5545, in UTC, under the event's key")
    func isCalendar() throws {
        let text = try #require(try notice(meeting()).calendar)
        #expect(text.hasPrefix("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"))
        #expect(text.hasSuffix("END:VEVENT\r\nEND:VCALENDAR\r\n"))
        #expect(text.contains("\r\nDTSTART:20260311T200000Z\r\nDTEND:20260311T203000Z\r\n"))
        #expect(text.contains("\r\nUID:op0123@operadora\r\n"))
        #expect(text.contains("\r\nDTSTAMP:20260308T200000Z\r\n"))
    }

    @Test("Invitation, change and cancellation are one event to a mail program: the same UID, a SEQUENCE that grows")
    func versions() throws {
        let versions = [
            (meeting(), "REQUEST", "CONFIRMED"), (meeting(sequence: 1), "REQUEST", "CONFIRMED"),
            (meeting(status: .cancelled, sequence: 2), "CANCEL", "CANCELLED"),
        ]
        for (number, (meeting, method, status)) in versions.enumerated() {
            let lines = lines(try notice(meeting))
            #expect(lines.contains("METHOD:\(method)"))
            #expect(lines.contains("STATUS:\(status)"))
            #expect(lines.contains("SEQUENCE:\(number)"))
            #expect(lines.contains("UID:op0123@operadora"))
            #expect(lines.contains("ORGANIZER:mailto:sales@example.com"))
            #expect(lines.contains { $0.hasPrefix("ATTENDEE") && $0.hasSuffix("mailto:ana@example.com") })
        }
    }

    @Test("Without somebody to answer to it is for information")
    func withoutOrganizer() throws {
        let lines = lines(try notice(meeting(), organizer: nil))
        #expect(lines.contains("METHOD:PUBLISH"))
        #expect(!lines.contains { $0.hasPrefix("ORGANIZER") || $0.hasPrefix("ATTENDEE") })
    }

    @Test("A title cannot add lines of its own, and long lines are folded between characters")
    func isInjectionProof() throws {
        let title = "A, B; C\\\r\nATTENDEE:mallory " + String(repeating: "ñ", count: 100)
        let email = try notice(meeting(title: title), organizer: nil)
        #expect(lines(email).contains { $0.hasPrefix(#"SUMMARY:A\, B\; C\\ ATTENDEE:mallory"#) })
        #expect(!lines(email).contains { $0.hasPrefix("ATTENDEE") })
        #expect(email.calendar?.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 75 } == true)
        #expect(!email.subject.contains("\n") && !email.subject.contains("\r"))
    }
}
