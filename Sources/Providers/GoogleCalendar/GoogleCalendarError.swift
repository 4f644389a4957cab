import HTTP
import Platform

/// Why Google Calendar did not do what was asked. The code says what a caller may conclude and do.
public struct GoogleCalendarError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The credentials, or the right to impersonate, are not accepted.
        case unauthenticated
        /// The account may not do this.
        case forbidden
        /// A service account without domain-wide delegation may not invite guests: insert without them.
        case forbiddenForServiceAccounts
        case notFound
        /// The event was deleted; its id stays taken.
        case deleted
        /// The id is taken (409), by our own event or another.
        case conflict
        /// The request is wrong: repeating it changes nothing.
        case invalid
        /// The project's or the user's quota is used up, for hours.
        case quotaExceeded
        /// Too many requests just now: certainly not done.
        case rateLimited
        /// Not reached, or turned away: certainly nothing changed.
        case unavailable
        /// The answer was lost or proves nothing: it may have been done. Ask for the event by its id.
        case maybeHappened
        /// It was done, but the answer cannot be read.
        case invalidAnswer
    }
    public var code: Code
    public var message: String
    public var retryAfter: Duration?

    public init(_ code: Code, _ message: String, retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// Whether the same request may succeed in a few seconds without harm.
    var isTemporary: Bool { code == .rateLimited || code == .unavailable }

    public var description: String { "Google Calendar: \(message)" }
}

extension GoogleCalendarError {
    /// An answer that is not a success. `isRepeatable`: doing it twice does no harm.
    ///
    /// Codes and reasons: developers.google.com/workspace/calendar/api/guides/errors.
    init(_ response: HTTPClientResponse, isRepeatable: Bool) {
        let error = (try? response.json())?["error"]
        let reasons = error?["errors"]?.array?.compactMap { $0["reason"]?.string } ?? []
        let text = error?["message"]?.string ?? ""
        let shown = ["HTTP \(response.status)", reasons.first, text].compactMap { $0 }.filter { !$0.isEmpty }
        self.init(
            Self.code(response.status, Set(reasons), isRepeatable), shown.joined(separator: ": "),
            retryAfter: response.retryAfter)
    }

    private static func code(_ status: Int, _ reasons: Set<String>, _ isRepeatable: Bool) -> Code {
        switch status {
        case 401: .unauthenticated
        case 403: codeOf403(reasons)
        case 404: .notFound
        case 409: .conflict
        case 410: .deleted
        case 429: reasons.contains("quotaExceeded") ? .quotaExceeded : .rateLimited
        case 500...: isRepeatable ? .unavailable : .maybeHappened
        default: .invalid
        }
    }

    private static func codeOf403(_ reasons: Set<String>) -> Code {
        if !reasons.isDisjoint(with: ["rateLimitExceeded", "userRateLimitExceeded"]) { return .rateLimited }
        if !reasons.isDisjoint(with: ["quotaExceeded", "dailyLimitExceeded", "calendarUsageLimitsExceeded"]) {
            return .quotaExceeded
        }
        return reasons.contains("forbiddenForServiceAccounts") ? .forbiddenForServiceAccounts : .forbidden
    }

    /// No answer at all.
    init(_ error: HTTPError, isRepeatable: Bool) {
        switch error.code {
        case .badURL: self.init(.invalid, error.description)
        default: self.init(error.requestWasSent && !isRepeatable ? .maybeHappened : .unavailable, error.description)
        }
    }
}
