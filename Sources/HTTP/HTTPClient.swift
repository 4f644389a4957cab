public import Platform

public struct HTTPClientRequest: Sendable {
    public enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        case head = "HEAD"
    }
    public var method: Method
    public var url: String
    public var headers: HTTPHeaders
    public var body: [UInt8]?
    /// From start to the last byte of the body.
    public var timeout: Duration = .seconds(30)
    public var connectTimeout: Duration = .seconds(5)
    public var maximumResponseBytes: Int = 4 << 20
    public init(_ method: Method, _ url: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
    /// A JSON body with its Content-Type.
    public init(_ method: Method, _ url: String, headers: HTTPHeaders = [:], json: JSON) { fatalError("skeleton") }
    /// A form body with its Content-Type.
    public init(_ method: Method, _ url: String, headers: HTTPHeaders = [:], form: FormFields) {
        fatalError("skeleton")
    }
}

public struct HTTPClientResponse: Sendable {
    public var status: Int
    public var headers: HTTPHeaders
    public var body: [UInt8]
    public func json() throws -> JSON { try JSON(parsing: body) }
    public var text: String { String(decoding: body, as: UTF8.self) }
    /// The seconds or date of `Retry-After`, as a duration from now; nil when absent or unreadable.
    public var retryAfter: Duration? { fatalError("skeleton") }
}

/// A failure below HTTP; any status that arrived is a response, not an error. `description` holds no header, body or
/// query string.
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
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
        case mail
    }
    public var code: Code
    public var message: String
    /// False only when it is certain that the other side did not process the request.
    public var requestWasSent: Bool
    public var description: String { fatalError("skeleton") }
}

/// All curl handles on one thread of its own (`curl_multi`, HTTP/2, keep-alive). No redirects are followed.
public final class HTTPClient: Sendable {
    public struct Configuration: Sendable {
        public var maximumConnectionsPerHost = 32
        public var maximumConcurrentRequests = 1_000
        public var userAgent = "operadora/1"
        public init() {}
    }
    public init(configuration: Configuration = Configuration(), logger: Logger) { fatalError("skeleton") }
    /// Throws `HTTPError`. Cancelling the task ends the transfer.
    public func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse { fatalError("skeleton") }
    /// Sends a request whose answer is `text/event-stream`. A status other than 2xx throws `HTTPStatusError` with the body.
    public func events(_ request: HTTPClientRequest) -> AsyncThrowingStream<ServerSentEvent, any Error> {
        fatalError("skeleton")
    }
    /// Sends one RFC 5322 message by SMTP. Throws `HTTPError` (`.mail` with the server's reply code for a refusal).
    public func sendMail(_ envelope: MailEnvelope, through server: MailServer) async throws { fatalError("skeleton") }
    /// Fails what is under way with `.shutDown` and ends the thread.
    public func shutDown() async { fatalError("skeleton") }
}

public struct ServerSentEvent: Sendable, Equatable {
    public var event: String?
    public var data: String
    public var id: String?
}

public struct HTTPStatusError: Error, Sendable { public let response: HTTPClientResponse }

public struct MailServer: Sendable {
    public enum Security: String, Sendable, CaseIterable { case required, optional, off }
    public var host: String
    /// 465 means TLS from the first byte; any other STARTTLS according to `security`.
    public var port: Int
    public var security: Security = .required
    /// Nil means no login.
    public var user: String?
    public var password: String?
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }
}

public struct MailEnvelope: Sendable {
    public var sender: String
    public var recipients: [String]
    /// The whole message, CRLF lines, headers included.
    public var message: [UInt8]
    public init(sender: String, recipients: [String], message: [UInt8]) {
        self.sender = sender
        self.recipients = recipients
        self.message = message
    }
}
