// In an optimized build libcurl's headers are the first to declare sockets, and the declarations count as theirs.
import CLibCurl
import CMicroHTTPD
import Glibc

/// An address that cannot be listened on, and why.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    public let description: String
}

/// A bound, listening TCP socket.
struct ListenSocket: Sendable {
    let descriptor: Int32
    let port: Int

    /// Takes the first address that the host's name has. Port 0 picks a free one.
    init(host: String, port: Int) throws(HTTPServerError) {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, String(port), &hints, &found)
        guard status == 0, let address = found else {
            throw Self.error(host, port, String(cString: gai_strerror(status)))
        }
        defer { freeaddrinfo(found) }
        guard let descriptor = Self.open(address.pointee), let bound = Self.boundPort(descriptor) else {
            throw Self.error(host, port, String(cString: strerror(errno)))
        }
        self.descriptor = descriptor
        self.port = bound
    }

    enum Accepted {
        /// Non-blocking.
        case connection(Int32)
        /// None waits.
        case none
        /// One waits, for which the process or the system has no descriptor or memory left.
        case exhausted(reason: String)
    }

    func accept(_ address: inout sockaddr_storage, _ length: inout socklen_t) -> Accepted {
        length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let connection = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.accept(descriptor, $0, &length) }
        }
        guard connection >= 0 else {
            return [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno)
                ? .exhausted(reason: String(cString: strerror(errno))) : .none
        }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        return .connection(connection)
    }

    func close() { Glibc.close(descriptor) }

    private static func open(_ address: addrinfo) -> Int32? {
        let type = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else { return nil }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address.ai_addr, address.ai_addrlen) == 0, listen(descriptor, 4_096) == 0 else {
            let reason = errno
            Glibc.close(descriptor)
            errno = reason
            return nil
        }
        return descriptor
    }

    private static func boundPort(_ descriptor: Int32) -> Int? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        guard status == 0 else { return nil }
        // Both address families keep the port in the same place.
        return withUnsafeBytes(of: &address) { Int(UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self))) }
    }

    private static func error(_ host: String, _ port: Int, _ reason: String) -> HTTPServerError {
        HTTPServerError(description: "cannot listen on \(host):\(port): \(reason)")
    }
}

/// The text of an address without its port, or an empty one for a family other than IP.
func ipText(_ address: UnsafePointer<sockaddr>) -> String {
    let isIPv6 = Int32(address.pointee.sa_family) == AF_INET6
    let length = socklen_t(isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size)
    var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
    guard getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else { return "" }
    return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
}
