public import HTTP

/// Sends messages through one SMTP server.
public struct MailSender: Sendable {
    private let server: MailServer
    private let client: HTTPClient

    public init(server: MailServer, client: HTTPClient) {
        self.server = server
        self.client = client
    }

    /// Returns when the server has taken the message. Throws `MailError`, `MailMessageError` for a message that cannot be
    /// written, or `CancellationError`.
    public func send(_ message: MailMessage) async throws {
        let envelope = MailEnvelope(
            sender: message.from.address, recipients: message.to.map(\.address), message: try message.encoded())
        do {
            try await client.sendMail(envelope, through: server)
        } catch let error as HTTPError where error.code == .cancelled {
            throw CancellationError()
        } catch let error as HTTPError {
            throw MailError(error)
        }
    }
}

/// Why a message was not, or may not have been, taken by the mail server.
public struct MailError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The server refused the message or a recipient for good (5xx).
        case refused
        /// The server refused our login, whatever is sent: sending again helps once somebody has set it right.
        case loginRefused
        /// The server could not be had, or refused for now (4xx): sending again may help.
        case unavailable
        /// The connection ended between the message and the server's answer: it may have been delivered.
        case maybeSent
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    init(_ error: HTTPError) {
        message = error.description
        code =
            switch error.code {
            case .badURL: .refused
            case .mailLogin: .loginRefused
            case .mail where error.replyCode.map({ $0 >= 500 }) ?? false: .refused
            default: error.requestWasSent ? .maybeSent : .unavailable
            }
    }
}
