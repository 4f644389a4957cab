/// A failure below HTTP; any status that arrived is a response, not an error. `description` holds no header, body or
/// query string.
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The request cannot be sent as it is: its URL, where that leads (`HTTPClientRequest.destinations`), or a header with a
        /// line break.
        case badURL
        /// Name not found, refused, TLS failure: the request was certainly not processed.
        case notConnected
        /// The connection ended after the request may have been sent: it may have been processed.
        case connectionLost
        /// As above: it may have been processed, unless `requestWasSent` is false.
        case timeout
        case responseTooLarge
        case cancelled
        case shutDown
        /// `Configuration.maximumConcurrentRequests` are under way already.
        case tooManyRequests
        /// The mail server refused, with `replyCode`, or broke the protocol.
        case mail
        /// The mail server does not accept our login, or wants one, or wants TLS before it (RFC 4954, 6), whatever is sent.
        case mailLogin
    }
    public var code: Code
    public var message: String
    /// False only when it is certain that the other side did not process the request.
    public var requestWasSent: Bool
    /// The mail server's last reply (RFC 5321, 4.2) when `code` is `.mail` or `.mailLogin`: 4xx may be tried again, 5xx not.
    public var replyCode: Int?

    public init(_ code: Code, _ message: String, requestWasSent: Bool, replyCode: Int? = nil) {
        self.code = code
        self.message = message
        self.requestWasSent = requestWasSent
        self.replyCode = replyCode
    }

    public var description: String { message }
}
