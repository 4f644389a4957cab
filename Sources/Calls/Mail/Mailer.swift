import Platform
import Providers

/// What sends e-mail. Throws when the message was not, or may not have been, accepted by the mail server.
public protocol Mailer: Sendable {
    func send(_ email: Email) async throws
}

extension Mailer {
    /// Sends; a login that the mail server refuses stops every mail, so the log says what to set right.
    func send(_ email: Email, logger: Logger) async throws {
        do {
            try await send(email)
        } catch let error as MailError where error.code == .loginRefused {
            logger.error(
                "the mail server refuses our login: check EMAIL_USER, EMAIL_PASSWORD and SMTP_TLS",
                metadata: ["error": "\(error)"])
            throw error
        }
    }
}

/// An e-mail to one person. Line breaks in header values are the mailer's to refuse.
public struct Email: Sendable, Hashable, Codable {
    /// What it is for, e.g. "invitation:17": one e-mail for each, and its Message-ID is derived from it.
    public var purpose: String
    public var to: String
    public var recipientName: String?
    public var subject: String
    public var text: String
    public var html: String?
    /// An iCalendar (RFC 5545) object, attached as `invite.ics`.
    public var calendar: String?

    public init(
        purpose: String, to: String, recipientName: String? = nil, subject: String, text: String, html: String? = nil,
        calendar: String? = nil
    ) {
        self.purpose = purpose
        self.to = to
        self.recipientName = recipientName
        self.subject = subject
        self.text = text
        self.html = html
        self.calendar = calendar
    }

    enum CodingKeys: String, CodingKey {
        case purpose, to
        case recipientName = "recipient_name"
        case subject, text, html, calendar
    }
}
