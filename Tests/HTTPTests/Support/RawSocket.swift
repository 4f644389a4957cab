import CMicroHTTPD
import Foundation
import Glibc

/// A TCP connection byte by byte, for what a well-behaved client or server would not do. Reads and writes wait at most ten
/// seconds, on a thread that is not the cooperative pool's.
final class RawSocket: Sendable {
    private let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { Glibc.close(descriptor) }

    static func connect(to port: Int) async throws -> RawSocket {
        try await onOwnThread {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = loopback(port)
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard status == 0 else {
                Glibc.close(descriptor)
                throw RawSocketError(errno)
            }
            return RawSocket(descriptor)
        }
    }

    func write(_ text: String) async throws {
        try await onOwnThread { [descriptor] in
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw RawSocketError(errno) }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// What has come up to and including `end`, or all that came until the other side closed.
    func read(until end: String? = nil) async throws -> String {
        try await onOwnThread { [descriptor] in
            var all: [UInt8] = []
            var byte: UInt8 = 0
            while end.map({ !all.ends(with: $0.utf8) }) ?? true {
                let count = recv(descriptor, &byte, 1, 0)
                if count == 0 || count < 0 && errno == ECONNRESET { break }
                guard count > 0 else { throw RawSocketError(errno) }
                all.append(byte)
            }
            return String(decoding: all, as: UTF8.self)
        }
    }

    /// A request or answer with a Content-Length, head and body.
    func readMessage() async throws -> String {
        let head = try await read(until: "\r\n\r\n")
        let length = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.split(separator: " ")[1]) }
        guard let length, length > 0 else { return head }
        return try await onOwnThread { [descriptor] in
            var body = [UInt8](repeating: 0, count: length)
            let count = recv(descriptor, &body, length, Int32(MSG_WAITALL))
            return head + String(decoding: body.prefix(max(0, count)), as: UTF8.self)
        }
    }

    /// Ends both directions; the descriptor goes with the object.
    func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}

/// A listening socket whose connections are served by the test itself.
final class RawServer: Sendable {
    private let descriptor: Int32
    let port: Int

    init(backlog: Int32 = 16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) | listen(descriptor, backlog) | getsockname(descriptor, $0, &length)
            }
        }
        guard status == 0 else { throw RawSocketError(errno) }
        self.descriptor = descriptor
        port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { Glibc.close(descriptor) }

    func accept() async throws -> RawSocket {
        try await onOwnThread { [descriptor] in
            let connection = Glibc.accept(descriptor, nil, nil)
            guard connection >= 0 else { throw RawSocketError(errno) }
            return RawSocket(connection)
        }
    }
}

struct RawSocketError: Error, CustomStringConvertible {
    let description: String
    init(_ code: Int32) { description = String(cString: strerror(code)) }
}

private func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}

private func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
    }
}

extension Array where Element == UInt8 {
    fileprivate func ends(with suffix: some Collection<UInt8>) -> Bool {
        self.suffix(suffix.count).elementsEqual(suffix)
    }
}
