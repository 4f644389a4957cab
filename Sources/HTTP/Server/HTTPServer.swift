public import Platform

/// libmicrohttpd with an epoll thread; every request is suspended while its handler runs as a task. A handler that takes
/// longer than the deadline is cancelled and answered for with `onDeadline`.
///
/// A request whose client leaves has its handler cancelled; a client that closes only its sending side has left, too.
public final class HTTPServer: Service {
    public struct Configuration: Sendable {
        public var host = "127.0.0.1"
        /// 0 picks a free port.
        public var port = 0
        /// Above it 413.
        public var maximumBodyBytes = 1 << 20
        /// For one request line and its headers, and for buffers. Above it 431 or 414.
        public var maximumHeaderBytes = 32 << 10
        /// Above it new connections wait.
        public var maximumConnections = 4_096
        /// Requests being handled at once; above it 503 with Retry-After.
        public var maximumConcurrentRequests = 4_096
        /// From a request's first line to its answer. A request that has not come whole by then is dropped.
        public var requestDeadline: Duration = .seconds(30)
        /// For connections without a request, and for clients that do not read their answer. Whole seconds.
        public var idleTimeout: Duration = .seconds(60)
        public init() {}
    }
    public typealias Handler = @Sendable (HTTPServerRequest) async -> HTTPServerResponse

    private let core: ServerCore
    private let stopper: ServerStopper
    /// The port bound to.
    public let port: Int

    /// Binds and serves at once, `run` or not; throws `HTTPServerError` when the address cannot be had, naming it.
    ///
    /// - Parameter onDeadline: makes the answer to a request whose handler took too long. On the server's thread: it must
    ///   not wait.
    public init(
        configuration: Configuration, logger: Logger,
        onDeadline: @escaping @Sendable (HTTPServerRequest) -> HTTPServerResponse = { _ in
            HTTPServerResponse(status: 504)
        },
        handler: @escaping Handler
    ) throws {
        let core = try ServerCore(configuration, logger: logger, onDeadline: onDeadline, handler: handler)
        let listener = try ListenSocket(host: configuration.host, port: configuration.port)
        stopper = ServerStopper { [weak core] in core?.wakeUp() }
        self.core = core
        port = listener.port
        guard let daemon = Daemon(core) else {
            listener.close()
            throw HTTPServerError(description: "cannot start a server: no thread or descriptors left")
        }
        ServerThread.start(core, daemon, listener, stopper)
    }

    deinit { stopper.stop(within: .zero) }

    /// Returns after a graceful stop (no new connections, running requests finish) or cancellation (they are abandoned).
    public func run() async throws {
        let (stopper, limit) = (stopper, core.configuration.requestDeadline + core.configuration.idleTimeout)
        await withGracefulStopHandler {
            await withTaskCancellationHandler {
                await stopper.waitForEnd()
            } onCancel: {
                stopper.stop(within: .zero)
            }
        } onGracefulStop: {
            stopper.stop(within: limit)
        }
    }

    /// Stops without a service group: graceful, then hard after `limit`.
    public func stop(within limit: Duration = .seconds(5)) async {
        stopper.stop(within: limit)
        await stopper.waitForEnd()
    }
}
