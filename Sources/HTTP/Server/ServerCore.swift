import CMicroHTTPD
import Glibc
import Platform
import Synchronization

/// What libmicrohttpd's callbacks, the server's thread and the server itself share.
final class ServerCore: Sendable {
    let configuration: HTTPServer.Configuration
    let logger: Logger
    let state: Mutex<ServerState>
    /// Hang-ups of clients, the listening socket and `wakeUp` are watched here.
    let epoll: Int32
    private let wakeEvent: Int32
    private let handler: HTTPServer.Handler
    private let onDeadline: @Sendable (HTTPServerRequest) -> HTTPServerResponse

    /// Marks in epoll's events; connections have their numbers, from 1.
    static let wakeMark = UInt64.max
    static let listenMark = UInt64.max - 1

    init(
        _ configuration: HTTPServer.Configuration, logger: Logger,
        onDeadline: @escaping @Sendable (HTTPServerRequest) -> HTTPServerResponse,
        handler: @escaping HTTPServer.Handler
    ) throws(HTTPServerError) {
        self.configuration = configuration
        self.logger = logger
        self.onDeadline = onDeadline
        self.handler = handler
        state = Mutex(
            ServerState(
                maximumConnections: configuration.maximumConnections,
                maximumHandlers: configuration.maximumConcurrentRequests,
                requestDeadline: configuration.requestDeadline,
                idleLimit: configuration.idleTimeout + configuration.requestDeadline))
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeEvent = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard epoll >= 0, wakeEvent >= 0, watch(wakeEvent, mark: Self.wakeMark, events: EPOLLIN.rawValue) else {
            throw HTTPServerError(description: "cannot start a server: \(String(cString: strerror(errno)))")
        }
    }

    deinit {
        close(epoll)
        close(wakeEvent)
    }

    func watch(_ descriptor: Int32, mark: UInt64, events: UInt32) -> Bool {
        var event = epoll_event(events: events, data: epoll_data_t(u64: mark))
        return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0
    }

    /// Makes the server's thread look around.
    func wakeUp() { eventfd_write(wakeEvent, 1) }

    func clearWakeUp() {
        var count: eventfd_t = 0
        eventfd_read(wakeEvent, &count)
    }
}

/// From libmicrohttpd's callbacks.
extension ServerCore {
    /// A connection was taken over. Its number travels in libmicrohttpd's pointer to our context of a connection.
    func opened(_ connection: OpaquePointer) -> UnsafeMutableRawPointer? {
        let socket = operadora_mhd_socket(connection)
        let address = operadora_mhd_address(connection).map(ipText) ?? ""
        let id = state.withLock { $0.open(socket: socket, remoteAddress: address, at: .now) }
        // Edge-triggered and without EPOLLIN: one event when the client goes, none when it sends.
        let events = EPOLLRDHUP.rawValue | EPOLLET.rawValue
        if !watch(socket, mark: id, events: events) {
            logger.warning("cannot watch a connection", metadata: ["error": String(cString: strerror(errno))])
        }
        return UnsafeMutableRawPointer(bitPattern: UInt(id))
    }

    func closed(_ context: UnsafeMutableRawPointer?) {
        if state.withLock({ $0.close(Self.id(context)) }) { wakeUp() }
    }

    func begin(_ target: String, _ connection: OpaquePointer) -> Exchange {
        let id = Self.id(operadora_mhd_socket_context(connection))
        let exchange = Exchange(
            connectionID: id, target: target, remoteAddress: state.withLock { $0.remoteAddress(of: id) },
            deadline: .now + configuration.requestDeadline, connection: connection,
            maximumBodyBytes: configuration.maximumBodyBytes)
        let (isAbandoned, wakes) = state.withLock { $0.begin(exchange) }
        if isAbandoned { exchange.abandon() }
        if wakes { wakeUp() }
        return exchange
    }

    func end(_ exchange: Exchange) {
        exchange.finish()
        if state.withLock({ $0.end(exchange, at: .now) }) { wakeUp() }
    }

    /// The request is whole, or its connection was resumed. False closes the connection.
    func proceed(_ exchange: Exchange, on connection: OpaquePointer) -> Bool {
        if exchange.isBodyTooLarge {
            return refuse(exchange, on: connection, HTTPServerResponse(status: 413))
        }
        let turn = exchange.next(
            admit: { self.state.withLock { $0.admitHandler() } },
            handle: { request in
                defer { self.state.withLock { $0.handlerEnded() } }
                return await self.handler(request)
            })
        switch turn {
        case .handle: return true
        case .send(let response): return send(response, for: exchange, on: connection)
        case .refuse:
            return send(
                HTTPServerResponse(status: 503, headers: ["Retry-After": "1"]), for: exchange, on: connection)
        case .drop: return false
        }
    }

    func refuse(_ exchange: Exchange, on connection: OpaquePointer, _ response: HTTPServerResponse) -> Bool {
        exchange.refused()
        return send(response, for: exchange, on: connection)
    }

    private func send(_ response: HTTPServerResponse, for exchange: Exchange, on connection: OpaquePointer) -> Bool {
        let isLast = state.withLock { $0.phase > .running }
        return ResponseSender(exchange: exchange, connection: connection, closes: isLast, logger: logger).send(response)
    }

    private static func id(_ context: UnsafeMutableRawPointer?) -> UInt64 { UInt64(UInt(bitPattern: context)) }
}

/// From the server's thread.
extension ServerCore {
    func clientLeft(_ id: UInt64) { state.withLock { $0.clientLeft(id) }?.abandon() }

    /// Acts on what is due and returns when to look again.
    func checkDeadlines() -> ContinuousClock.Instant? {
        let due = state.withLock { $0.due(at: .now) }
        for exchange in due.exchanges { exchange.deadlineReached(onDeadline) }
        for socket in due.sockets { endTraffic(of: socket) }
        return due.next
    }
}
