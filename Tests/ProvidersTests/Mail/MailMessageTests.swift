import FoundationEssentials
import Testing

@testable import Providers

@Suite struct MailMessageTests {
    private let date = Date(timeIntervalSince1970: 1_795_532_645)

    private func message(subject: String = "Hello", messageID: String = "1@example.com") throws -> MailMessage {
        MailMessage(
            from: try MailAddress("a@example.com"), to: [try MailAddress("b@example.com")], subject: subject,
            text: "Hi\n", messageID: messageID, date: date)
    }

    @Test("A plain message is as short as it can be")
    func plain() throws {
        let encoded = String(decoding: try message().encoded(), as: UTF8.self)
        #expect(
            encoded == """
                Date: Tue, 24 Nov 2026 15:04:05 +0000\r
                From: a@example.com\r
                To: b@example.com\r
                Subject: Hello\r
                Message-ID: <1@example.com>\r
                Auto-Submitted: auto-generated\r
                MIME-Version: 1.0\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Transfer-Encoding: quoted-printable\r
                \r
                Hi\r
                \r

                """)
    }

    @Test(
        "A subject that would begin another header is refused",
        arguments: ["a\r\nBcc: x@example.com", "a\nb", "a\u{0}b", "a\u{85}b"])
    func subjectInjection(subject: String) throws {
        let message = try message(subject: subject)
        #expect(throws: MailMessageError.self) { try message.encoded() }
    }

    @Test(
        "What is no address is refused",
        arguments: [
            "", "a", "a@", "@b", "a b@c", "a@b\r\nBcc: c@d", "a@b>", "<a@b", "a@b@c", "a@-b.com", "a@b..com",
            "ñ@example.com",
            "a,b@example.com",
        ])
    func addresses(address: String) {
        #expect(throws: MailMessageError.self) { try MailAddress(address) }
    }

    @Test("A name with a line break is refused", arguments: ["a\r\nBcc: x", "a\nb"])
    func nameInjection(name: String) {
        #expect(throws: MailMessageError.self) { try MailAddress("a@example.com", name: name) }
    }

    @Test("A Message-ID, file name or content type that would break its header is refused")
    func otherFields() throws {
        for id in ["", "a", "a@", "a b@c", "<a@b>", "a@b\r\nX: y"] {
            let message = try message(messageID: id)
            #expect(throws: MailMessageError.self) { try message.encoded() }
        }
        for (name, type) in [("a\r\nb", "a/b"), ("a", "text"), ("a", "a/b\r\nX: y"), ("a", "a/b; x")] {
            var message = try message()
            message.attachments = [.init(filename: name, contentType: type, content: [])]
            #expect(throws: MailMessageError.self) { try message.encoded() }
        }
    }

    @Test("Quoted-printable lines have at most 76 characters, and nothing in them is ambiguous")
    func quotedPrintable() {
        #expect(TransferEncoding.quotedPrintable("a=b\tc \nñ\r\n\rx") == "a=3Db\tc=20\r\n=C3=B1\r\n\r\nx")
        let long = TransferEncoding.quotedPrintable(String(repeating: "é", count: 200))
        #expect(long.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 76 })
        #expect(long.replacing("=\r\n", with: "") == String(repeating: "=C3=A9", count: 200))
    }

    @Test("An iCalendar object escapes its texts and folds its lines between characters")
    func calendarObject() throws {
        var object = CalendarObject(
            .cancel, uid: "k1@operadora", stamp: date, startsAt: date, endsAt: date.addingTimeInterval(1_800),
            summary: "Reunión; a, b \\ c\u{D4E};\nlínea " + String(repeating: "ñ", count: 60))
        object.organizer = try MailAddress("o@example.com", name: "El \"jefe\"")
        object.guest = try MailAddress("g@example.com")
        let lines = object.text.components(separatedBy: "\r\n")
        #expect(lines.allSatisfy { $0.utf8.count <= 75 })
        #expect(lines.contains("DTSTART:20261124T150405Z"))
        #expect(lines.contains("DTEND:20261124T153405Z"))
        #expect(lines.contains("METHOD:CANCEL"))
        #expect(lines.contains("STATUS:CANCELLED"))
        #expect(lines.contains("ORGANIZER;CN=\"El ^'jefe^'\":mailto:o@example.com"))
        #expect(lines.contains("ATTENDEE:mailto:g@example.com"))
        let unfolded = object.text.replacing("\r\n ", with: "")
        #expect(
            unfolded.contains(
                "SUMMARY:Reunión\\; a\\, b \\\\ c\u{D4E}\\;\\nlínea \(String(repeating: "ñ", count: 60))\r\n"))
    }
}
