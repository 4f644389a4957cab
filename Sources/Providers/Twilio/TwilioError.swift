/// Why Twilio gave no answer to work with. The cases say what a caller may conclude about a request that has an effect.
public enum TwilioError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Refused for good; repeating the request changes nothing. `code` is Twilio's own, e.g. 21211 (invalid `To`).
    case refused(status: Int, code: Int?, message: String)
    /// The account's credentials or permissions are not accepted (401, 403): certainly not processed.
    case unauthorized(code: Int?, message: String)
    /// There is no such resource (404).
    case notFound(message: String)
    /// Too many requests (429): certainly not processed.
    case rateLimited(retryAfter: Duration?)
    /// Not reached, or turned away by Twilio itself (503 with Twilio's own error body): certainly not processed.
    case unavailable(retryAfter: Duration?, message: String)
    /// The answer was lost, unreadable, or a 5xx that proves nothing: the request may have been processed.
    case maybeHappened(message: String)

    /// Safe to log: Twilio's words about a request, never its credentials.
    public var description: String {
        switch self {
        case .refused(let status, let code, let message):
            "Twilio refused the request (HTTP \(status)\(Self.shown(code))): \(message)"
        case .unauthorized(let code, let message):
            "Twilio does not accept the account's credentials or permissions\(Self.shown(code)): \(message); "
                + "check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
        case .notFound(let message): "Twilio knows no such resource: \(message)"
        case .rateLimited: "Twilio's rate limit is reached (HTTP 429)"
        case .unavailable(_, let message): "Twilio could not be asked: \(message)"
        case .maybeHappened(let message): "Twilio's answer was lost, the request may have been processed: \(message)"
        }
    }

    private static func shown(_ code: Int?) -> String { code.map { ", code \($0)" } ?? "" }
}
