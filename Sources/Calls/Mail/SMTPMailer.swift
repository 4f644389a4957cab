import FoundationEssentials
public import Providers

/// Sends e-mails through the configured mail server.
public struct SMTPMailer: Mailer {
    private let sender: MailSender
    private let from: MailAddress

    /// - Parameter from: the address that mails come from; its domain stands in every Message-ID.
    public init(_ sender: MailSender, from: MailAddress) {
        self.sender = sender
        self.from = from
    }

    public func send(_ email: Email) async throws {
        var message = MailMessage(
            from: from, to: [try MailAddress(email.to, name: email.recipientName)], subject: email.subject,
            text: email.text, messageID: messageID(email.purpose), date: Date())
        message.html = email.html
        message.calendar = email.calendar
        try await sender.send(message)
    }

    /// The same purpose has the same id, so that a mail which was sent twice is recognised by those who receive it.
    private func messageID(_ purpose: String) -> String {
        let local = purpose.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "." }
        let domain = from.address.split(separator: "@").last ?? "localhost"
        return "\(String(local))@\(domain)"
    }
}
