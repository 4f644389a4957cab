public import FoundationEssentials
import Platform

/// An e-mail (RFC 5322 and MIME): text, perhaps the same as HTML, perhaps an invitation, perhaps files.
///
/// Equal messages encode to equal bytes, so a repeated sending can be recognised by its Message-ID and compared.
public struct MailMessage: Sendable, Hashable {
    public struct Attachment: Sendable, Hashable {
        public var filename: String
        /// Such as "application/pdf".
        public var contentType: String
        public var content: [UInt8]
        public init(filename: String, contentType: String, content: [UInt8]) {
            self.filename = filename
            self.contentType = contentType
            self.content = content
        }
    }
    public var from: MailAddress
    public var to: [MailAddress]
    public var replyTo: MailAddress?
    public var subject: String
    public var text: String
    public var html: String?
    /// An iCalendar object. Mail programs offer to accept it, or to add it to the calendar.
    public var calendar: String?
    public var attachments: [Attachment] = []
    /// `unique@domain`, without angle brackets: the same for every sending of this message.
    public var messageID: String
    public var date: Date

    public init(from: MailAddress, to: [MailAddress], subject: String, text: String, messageID: String, date: Date) {
        self.from = from
        self.to = to
        self.subject = subject
        self.text = text
        self.messageID = messageID
        self.date = date
    }

    /// The message as it goes over the wire, with CRLF lines. Throws `MailMessageError`.
    public func encoded() throws(MailMessageError) -> [UInt8] {
        try check()
        return Array((header() + content().encoded).utf8)
    }

    private func check() throws(MailMessageError) {
        try MailHeader.check(subject, field: "subject")
        guard !to.isEmpty else { throw MailMessageError(field: "recipient", problem: "is missing") }
        let idParts = messageID.split(separator: "@", omittingEmptySubsequences: false)
        guard idParts.count == 2, idParts.allSatisfy({ !$0.isEmpty }), messageID.utf8.count <= 250,
            messageID.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"<>()[]\\,;:\"".utf8.contains($0) })
        else { throw MailMessageError(field: "Message-ID", problem: "is not of the form unique@domain") }
        for attachment in attachments {
            try MailHeader.check(attachment.filename, field: "filename")
            let isType = attachment.contentType.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !";\"".utf8.contains($0) }
            guard isType, attachment.contentType.contains("/") else {
                throw MailMessageError(field: "content type", problem: "of \(attachment.filename) is not type/subtype")
            }
        }
    }

    private func header() -> String {
        var lines = [
            MailHeader.line("Date", Self.dateText(date)), MailHeader.line("From", from.headerValue),
            MailHeader.line("To", to.map(\.headerValue).joined(separator: ", ")),
        ]
        if let replyTo { lines.append(MailHeader.line("Reply-To", replyTo.headerValue)) }
        lines.append(MailHeader.line("Subject", MailHeader.unstructured(subject)))
        lines.append(MailHeader.line("Message-ID", "<\(messageID)>"))
        // RFC 3834: no out-of-office answers, please.
        lines.append(MailHeader.line("Auto-Submitted", "auto-generated"))
        lines.append(MailHeader.line("MIME-Version", "1.0"))
        return lines.joined()
    }

    private func content() -> MailPart {
        var alternatives = [MailPart.text(text, type: "text/plain; charset=utf-8")]
        if let html { alternatives.append(.text(html, type: "text/html; charset=utf-8")) }
        var files = attachments.map { MailPart.file($0.content, type: $0.contentType, name: $0.filename) }
        if let calendar {
            // Mail programs look for it in either place: Outlook among the alternatives, others among the files.
            let type = "text/calendar; charset=utf-8; method=\(Self.method(of: calendar))"
            alternatives.append(.file(Array(calendar.utf8), type: type, name: nil))
            files.insert(.file(Array(calendar.utf8), type: "application/ics", name: "invite.ics"), at: 0)
        }
        let body = alternatives.count == 1 ? alternatives[0] : .multipart("alternative", alternatives, boundary("a"))
        return files.isEmpty ? body : .multipart("mixed", [body] + files, boundary("m"))
    }

    /// `=_` occurs neither in base64 nor in quoted-printable, so a boundary that begins with it is in no part.
    private func boundary(_ kind: String) -> String {
        "=_\(kind)_" + Cryptography.sha256(messageID.utf8).prefix(12).map(MailHeader.hex).joined()
    }

    /// The parameter must say what the object says (RFC 6047, 2.4).
    private static func method(of calendar: String) -> String {
        let line = calendar.split(whereSeparator: \.isNewline).first { $0.hasPrefix("METHOD:") }
        let method = line?.dropFirst("METHOD:".count) ?? "PUBLISH"
        return method.utf8.allSatisfy { (65...90).contains($0) } ? String(method) : "PUBLISH"
    }

    /// "Tue, 24 Nov 2026 15:00:00 +0000"
    private static func dateText(_ date: Date) -> String {
        let time = Zone.utc.civilTime(at: date)
        let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = [time.hour, time.minute, time.second].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        return "\(days[time.weekday]), \(time.day) \(months[time.month - 1]) \(time.year) \(clock) +0000"
    }
}

/// A part of a MIME message: its own header fields, an empty line, its content.
struct MailPart {
    let encoded: String

    static func text(_ text: String, type: String) -> MailPart {
        part(
            [("Content-Type", type), ("Content-Transfer-Encoding", "quoted-printable")],
            TransferEncoding.quotedPrintable(text))
    }

    static func file(_ content: [UInt8], type: String, name: String?) -> MailPart {
        var fields = [("Content-Type", type), ("Content-Transfer-Encoding", "base64")]
        if let name { fields.append(("Content-Disposition", "attachment; \(MailHeader.parameter("filename", name))")) }
        return part(fields, TransferEncoding.base64(content))
    }

    static func multipart(_ subtype: String, _ parts: [MailPart], _ boundary: String) -> MailPart {
        let content = parts.map { "--\(boundary)\r\n\($0.encoded)" }.joined() + "--\(boundary)--"
        return part([("Content-Type", "multipart/\(subtype); boundary=\"\(boundary)\"")], content)
    }

    private static func part(_ fields: [(String, String)], _ content: String) -> MailPart {
        MailPart(encoded: fields.map { MailHeader.line($0.0, $0.1) }.joined() + "\r\n" + content + "\r\n")
    }
}
