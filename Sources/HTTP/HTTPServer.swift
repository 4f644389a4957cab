public import Platform

public struct HTTPServerRequest: Sendable {
    public var method: String
    /// Percent-decoded path without the query.
    public var path: String
    /// The raw target as sent, path and query.
    public var target: String
    public var query: FormFields
    public var headers: HTTPHeaders
    public var body: [UInt8]
    public var remoteAddress: String
    public init(
        method: String, path: String, target: String, query: FormFields = [:], headers: HTTPHeaders = [:],
        body: [UInt8] = [],
        remoteAddress: String = "127.0.0.1"
    ) { fatalError("skeleton") }
    public var form: FormFields { FormFields(decoding: String(decoding: body, as: UTF8.self)) }
    public func json() throws -> JSON { try JSON(parsing: body) }
}

public struct HTTPServerResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Sent chunk by chunk as the stream yields (server-sent events); the stream ends the response.
        case stream(AsyncThrowingStream<[UInt8], any Error>)
        /// Closes the connection without an answer, or in the middle of one after `sent` bytes (simulators' faults).
        case drop(sent: [UInt8])
    }
    public var status: Int
    public var headers: HTTPHeaders
    public var body: Body
    public init(status: Int = 200, headers: HTTPHeaders = [:], body: [UInt8] = []) { fatalError("skeleton") }
    public init(status: Int = 200, headers: HTTPHeaders = [:], stream: AsyncThrowingStream<[UInt8], any Error>) {
        fatalError("skeleton")
    }
    public static func drop(sent: [UInt8] = []) -> HTTPServerResponse { fatalError("skeleton") }
    public static func json(_ value: JSON, status: Int = 200, headers: HTTPHeaders = [:]) -> HTTPServerResponse {
        fatalError("skeleton")
    }
    public static func text(_ text: String, status: Int = 200, contentType: String = "text/plain; charset=utf-8")
        -> HTTPServerResponse
    { fatalError("skeleton") }
}

/// libmicrohttpd with an epoll thread; every request is suspended while its handler runs as a task. A handler that takes
/// longer than the deadline is cancelled and answered for with `onDeadline`.
public final class HTTPServer: Service {
    public struct Configuration: Sendable {
        public var host = "127.0.0.1"
        /// 0 picks a free port.
        public var port = 0
        public var maximumBodyBytes = 1 << 20
        public var maximumConnections = 4_096
        /// Requests being handled at once; above it 503 with Retry-After.
        public var maximumConcurrentRequests = 4_096
        public var requestDeadline: Duration = .seconds(30)
        public var idleTimeout: Duration = .seconds(60)
        public init() {}
    }
    public typealias Handler = @Sendable (HTTPServerRequest) async -> HTTPServerResponse
    /// Binds at once; throws when the address cannot be had, naming it.
    public init(
        configuration: Configuration, logger: Logger,
        onDeadline: @escaping @Sendable (HTTPServerRequest) -> HTTPServerResponse = { _ in
            HTTPServerResponse(status: 504)
        },
        handler: @escaping Handler
    ) throws { fatalError("skeleton") }
    /// The port bound to.
    public var port: Int { fatalError("skeleton") }
    /// Serves until a graceful stop (no new connections, running requests finish) or cancellation.
    public func run() async throws { fatalError("skeleton") }
    /// Stops without a service group: graceful, then hard after `limit`.
    public func stop(within limit: Duration = .seconds(5)) async { fatalError("skeleton") }
}
