import Glibc
import Platform
import Synchronization

/// A proxy in front of a PostgreSQL on a Unix socket that can go silent, as a network does when a firewall forgets a connection:
/// nothing arrives any more, and nobody is told.
public final class SilentProxy: Sendable {
    private struct State {
        var isClosed = false
        /// Connections with a smaller number are silent.
        var firstLoud = 0
        /// So are these.
        var silent: Set<Int> = []
        /// What tells connections apart, and which have sent it.
        var marks: [String: Set<Int>] = [:]
        var accepted = 0
        var ended = 0
        var sockets: [Int32] = []
    }

    /// For `host=` in a connection string.
    public let directory: String
    private let listener: Int32
    private let server: String
    private let state = Mutex(State())

    /// - Parameters:
    ///   - server: the directory of the server's socket.
    ///   - marks: texts that `silenceConnections(thatSent:)` will name.
    public init(server: String, marks: [String] = []) throws {
        var template = Array("/tmp/operadora-proxy-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ProxyError() }
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.server = server
        state.withLock { $0.marks = Dictionary(uniqueKeysWithValues: marks.map { ($0, []) }) }
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let isListening = Self.withAddress(directory) { bind(listener, $0, $1) == 0 } && listen(listener, 16) == 0
        guard isListening else { throw ProxyError() }
        OwnThread.start { [self] in accept() }
    }

    /// From now on nothing of the present connections gets through. New ones work.
    public func silencePresentConnections() {
        state.withLock { $0.firstLoud = $0.accepted }
    }

    /// From now on nothing of the present connections that have sent this text, such as a part of a statement, gets through.
    public func silenceConnections(thatSent mark: String) {
        state.withLock { $0.silent.formUnion($0.marks[mark] ?? []) }
    }

    /// How many connections have sent this text.
    public func connectionCount(thatSent mark: String) -> Int { state.withLock { $0.marks[mark]?.count ?? 0 } }

    /// New connections are silent too.
    public func silenceEverything() {
        state.withLock { $0.firstLoud = .max }
    }

    /// How many have been made, and how many of these the client has ended.
    public var connectionCount: Int { state.withLock { $0.accepted } }
    public var endedConnectionCount: Int { state.withLock { $0.ended } }

    public func close() {
        let sockets = state.withLock { state in
            state.isClosed = true
            defer { state.sockets = [] }
            return state.sockets
        }
        // Wakes the threads, which close what is theirs.
        for socket in sockets + [listener] { shutdown(socket, Int32(SHUT_RDWR)) }
        unlink("\(directory)/.s.PGSQL.5432")
        rmdir(directory)
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0, !state.withLock({ $0.isClosed }) else { break }
            let upstream = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            _ = Self.withAddress(server) { connect(upstream, $0, $1) }
            let number = state.withLock { state in
                state.sockets += [client, upstream]
                state.accepted += 1
                return state.accepted - 1
            }
            OwnThread.start { [self] in
                forward(from: client, to: upstream, number) { note($0, number) }
                state.withLock { $0.ended += 1 }
            }
            OwnThread.start { [self] in forward(from: upstream, to: client, number) { _ in } }
        }
        Glibc.close(listener)
    }

    private func note(_ bytes: ArraySlice<UInt8>, _ number: Int) {
        state.withLock { state in
            for mark in state.marks.keys where bytes.contains(mark.utf8) { state.marks[mark]?.insert(number) }
        }
    }

    private func isSilent(_ number: Int) -> Bool {
        state.withLock { number < $0.firstLoud || $0.silent.contains(number) }
    }

    /// A silent connection is read from, so that the sender notices nothing.
    private func forward(
        from source: Int32, to target: Int32, _ number: Int, _ note: (ArraySlice<UInt8>) -> Void
    ) {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count > 0 else { break }
            note(buffer[..<count])
            guard !isSilent(number) else { continue }
            var start = 0
            while start < count {
                let written = buffer[start..<count].withUnsafeBytes {
                    send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                start += written
            }
        }
        // An end is news too: a silent connection tells nothing.
        if !isSilent(number) || state.withLock({ $0.isClosed }) { shutdown(target, Int32(SHUT_RDWR)) }
    }

    private static func withAddress<Result>(
        _ directory: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: "\(directory)/.s.PGSQL.5432".utf8.prefix(path.count - 1))
        }
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}

/// The proxy could not be set up.
public struct ProxyError: Error {}
