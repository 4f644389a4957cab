import HTTP
import Platform

/// Reads failures, which is where "certainly not dialled" and "may have been dialled" part.
extension TwilioError {
    private static let longestMessage = 300

    /// A failure below HTTP.
    init(_ error: HTTPError) {
        self =
            error.requestWasSent
            ? .maybeHappened(message: "\(error)") : .unavailable(retryAfter: nil, message: "\(error)")
    }

    /// An answer whose status is not 2xx.
    ///
    /// A 5xx proves nothing by itself: a gateway may speak for an API that has done the work. Only a 503 in Twilio's own
    /// words is its API turning the request away.
    init(_ response: HTTPClientResponse) {
        let body = try? response.json()
        let code = body?["code"]?.integer.map(Int.init)
        let message = String((body?["message"]?.string ?? "HTTP \(response.status)").prefix(Self.longestMessage))
        switch response.status {
        case 401, 403: self = .unauthorized(code: code, message: message)
        case 404: self = .notFound(message: message)
        case 429: self = .rateLimited(retryAfter: response.retryAfter)
        case 503 where code != nil: self = .unavailable(retryAfter: response.retryAfter, message: message)
        case 408, 500...: self = .maybeHappened(message: message)
        default: self = .refused(status: response.status, code: code, message: message)
        }
    }
}
