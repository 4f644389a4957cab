import FoundationEssentials
import Platform
import Testing

@testable import Calls

@Suite("Invitation by mail")
struct InvitationTests {
    private func meeting(title: String = "Sales Meeting") -> Meeting {
        let start = TurnFixtures.zone.date(of: CivilTime(year: 2026, month: 3, day: 11, hour: 14))
        return Meeting(
            id: 17, callID: 7, leadID: 3, status: .confirmed, eventKey: "op0123", title: title, guestName: "Ana Ruiz",
            guestEmail: "ana@example.com", startsAt: start, endsAt: start.addingTimeInterval(1_800))
    }

    private func calendar(title: String = "Sales Meeting") throws -> String {
        try #require(Invitation(meeting(title: title), language: .english, zone: TurnFixtures.zone).email?.calendar)
    }

    @Test(
        "It says when in the guest's language and zone, and is one e-mail for one meeting", arguments: Language.allCases
    )
    func says(_ language: Language) throws {
        let email = try #require(Invitation(meeting(), language: language, zone: TurnFixtures.zone).email)
        #expect(email.to == "ana@example.com")
        #expect(email.purpose == "invitation:17")
        let when = SpokenDates(language: language.rawValue, zone: TurnFixtures.zone, now: meeting().startsAt)
            .say(meeting().startsAt)
        #expect(email.text.contains(when))
        #expect(email.text.contains("America/Mexico_City"))
    }

    @Test("Its event is RFC 5545, in UTC, under the event's key")
    func isCalendar() throws {
        let text = try calendar()
        #expect(text.hasPrefix("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"))
        #expect(text.hasSuffix("END:VEVENT\r\nEND:VCALENDAR\r\n"))
        #expect(text.contains("\r\nDTSTART:20260311T200000Z\r\nDTEND:20260311T203000Z\r\n"))
        #expect(text.contains("\r\nUID:op0123@operadora\r\n"))
    }

    @Test("A title cannot add lines of its own, and long lines are folded between characters")
    func isInjectionProof() throws {
        let text = try calendar(title: "A, B; C\\\r\nATTENDEE:mallory " + String(repeating: "ñ", count: 100))
        let lines = text.replacing("\r\n ", with: "").split(separator: "\r\n")
        #expect(lines.contains { $0.hasPrefix(#"SUMMARY:A\, B\; C\\ ATTENDEE:mallory"#) })
        #expect(!lines.contains { $0.hasPrefix("ATTENDEE") })
        #expect(text.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 75 })
    }
}
