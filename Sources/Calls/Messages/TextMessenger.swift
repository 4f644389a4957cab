public import Providers

/// What sends text messages to telephones.
public protocol TextMessenger: Sendable {
    /// - Parameters:
    ///   - to: E.164.
    ///   - from: E.164, one of the account's own numbers.
    ///
    /// Throws `TextMessageError`.
    func send(_ text: String, to: String, from: String) async throws
}

/// Why a text message was not, or may not have been, sent.
public enum TextMessageError: Error, Sendable, Hashable {
    /// Certainly not sent; the same again may succeed.
    case notSent(message: String)
    /// Never to be sent by repeating it, or sent already: repeating it could send it twice.
    case over(message: String)
}

/// Text messages through Twilio.
public struct TwilioMessenger: TextMessenger {
    private let client: TwilioClient
    public init(_ client: TwilioClient) { self.client = client }

    public func send(_ text: String, to: String, from: String) async throws {
        do {
            try await client.createMessage(to: to, from: from, body: text)
        } catch {
            switch error {
            case .unavailable, .rateLimited: throw TextMessageError.notSent(message: "\(error)")
            default: throw TextMessageError.over(message: "\(error)")
            }
        }
    }
}
