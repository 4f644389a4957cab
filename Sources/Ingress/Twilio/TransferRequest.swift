import HTTP
import Providers

/// A `transfer` webhook: what became of putting a caller through to a person.
struct TransferRequest: Sendable, Hashable {
    /// Whether the person answered, and the two have talked.
    var isTalkedWith: Bool
    /// As the caller was spoken to.
    var language: TwilioLanguage?

    init(_ webhook: TwilioWebhook) throws(Problem) {
        _ = try webhook.callSID
        guard let status = webhook.form["DialCallStatus"] else { throw .invalid("DialCallStatus", "is missing") }
        guard Self.statuses.contains(status) else {
            throw .invalid("DialCallStatus", "is not one of \(Self.statuses.joined(separator: ", "))")
        }
        isTalkedWith = ["completed", "answered"].contains(status)
        language = webhook.query["lang"].flatMap { TwilioLanguage(rawValue: $0) }
    }

    /// https://www.twilio.com/docs/voice/twiml/dial
    private static let statuses = ["completed", "answered", "busy", "no-answer", "failed", "canceled"]
}
