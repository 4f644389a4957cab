import CMicroHTTPD
import Glibc

/// A running libmicrohttpd: one epoll thread of its own, which calls us back.
// Sendable because its handle goes from the one who starts it to the server's thread, which alone uses it from then on.
struct Daemon: @unchecked Sendable {
    private let handle: OpaquePointer

    /// `core` must outlive the daemon. Nil when the system has no thread or descriptors to give.
    init?(_ core: ServerCore) {
        let configuration = core.configuration
        let idleSeconds = UInt32(clamping: max(1, configuration.idleTimeout.components.seconds))
        guard
            let handle = operadora_mhd_start(
                handleRequest, beginRequest, completeRequest, notifyConnection,
                Unmanaged.passUnretained(core).toOpaque(),
                // We count connections ourselves; its own limit is only not to be in the way.
                UInt32(clamping: configuration.maximumConnections + 64), idleSeconds, configuration.maximumHeaderBytes)
        else { return nil }
        self.handle = handle
    }

    /// Takes over the socket, whatever comes of it.
    func add(_ socket: Int32, _ address: inout sockaddr_storage, _ length: socklen_t) -> Bool {
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                MHD_add_connection(handle, socket, $0, length) == .YES
            }
        }
    }

    /// Closes every connection and waits for the thread. Nothing may be suspended.
    func stop() { MHD_stop_daemon(handle) }
}

private func core(_ context: UnsafeMutableRawPointer?) -> ServerCore? {
    context.map { Unmanaged<ServerCore>.fromOpaque($0).takeUnretainedValue() }
}

private func exchange(_ context: UnsafeMutableRawPointer?) -> Exchange? {
    context.map { Unmanaged<Exchange>.fromOpaque($0).takeUnretainedValue() }
}

/// The request line has come. What is returned becomes libmicrohttpd's context of the request.
private func beginRequest(
    _ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?, _ connection: OpaquePointer?
) -> UnsafeMutableRawPointer? {
    guard let core = core(context), let target, let connection else { return nil }
    return Unmanaged.passRetained(core.begin(String(cString: target), connection)).toOpaque()
}

/// Called when the head has come, for each piece of the body, when the request is whole, and after each resume.
private func handleRequest(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?, _ url: UnsafePointer<CChar>?,
    _ method: UnsafePointer<CChar>?, _ version: UnsafePointer<CChar>?, _ bytes: UnsafePointer<CChar>?,
    _ count: UnsafeMutablePointer<Int>?, _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let core = core(context), let exchange = exchange(request?.pointee), let connection, let method, let count
    else { return .NO }
    if !exchange.hasHead {
        let head = Exchange.Head(method: String(cString: method), headers: headers(of: connection))
        // Any other answer waits for the whole request: libmicrohttpd closes the connection after one that comes now.
        if exchange.begin(head) { return .YES }
        return core.refuse(exchange, on: connection, HTTPServerResponse(status: 413)) ? .YES : .NO
    }
    if count.pointee > 0 {
        defer { count.pointee = 0 }
        return exchange.receive(UnsafeRawBufferPointer(start: bytes, count: count.pointee)) ? .YES : .NO
    }
    return core.proceed(exchange, on: connection) ? .YES : .NO
}

private func completeRequest(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ request: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ reason: MHD_RequestTerminationCode
) {
    guard let core = core(context), let pointer = request?.pointee else { return }
    request?.pointee = nil
    core.end(Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue())
}

private func notifyConnection(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ socketContext: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ code: MHD_ConnectionNotificationCode
) {
    guard let core = core(context), let connection, let socketContext else { return }
    if code == .CONNECTION_NOTIFY_STARTED {
        socketContext.pointee = core.opened(connection)
    } else {
        core.closed(socketContext.pointee)
    }
}

private func headers(of connection: OpaquePointer) -> HTTPHeaders {
    var headers = HTTPHeaders()
    withUnsafeMutablePointer(to: &headers) { pointer in
        _ = MHD_get_connection_values_n(
            connection, .HEADER_KIND,
            { context, _, name, nameLength, value, valueLength in
                guard let headers = context?.assumingMemoryBound(to: HTTPHeaders.self), let name else { return .NO }
                headers.pointee.add(text(name, nameLength), value.map { text($0, valueLength) } ?? "")
                return .YES
            }, pointer)
    }
    return headers
}

private func text(_ bytes: UnsafePointer<CChar>, _ count: Int) -> String {
    String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
}
