import Dispatch
import Glibc
import Platform
import Synchronization

/// An SMTP server on loopback that takes no mail until it is opened: whoever sends one is busy for that long.
final class SlowMailServer: Sendable {
    private struct State {
        var isOpen = false
        var held: [DispatchSemaphore] = []
        var senders = 0
        var delivered = 0
    }

    let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    init() throws {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (listener, size) = (listener, length)
        let isListening = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) == 0 }
        }
        guard isListening, listen(listener, 16) == 0 else { throw NoSocket() }
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(listener, $0, &length) }
        }
        port = Int(UInt16(bigEndian: address.sin_port))
        OwnThread.start { [self] in accept() }
    }

    struct NoSocket: Error {}

    /// How many have begun to send a mail, and how many mails were accepted.
    var senders: Int { state.withLock { $0.senders } }
    var delivered: Int { state.withLock { $0.delivered } }

    /// Serves those who wait, and all who come.
    func open() {
        let held = state.withLock { state in
            state.isOpen = true
            defer { state.held = [] }
            return state.held
        }
        for sender in held { sender.signal() }
    }

    /// Also lets go of who still waits.
    func close() {
        open()
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else { break }
            OwnThread.start { [self] in
                converse(client)
                Glibc.close(client)
            }
        }
        Glibc.close(listener)
    }

    /// Blocks until the server is open.
    private func wait() {
        let turn: DispatchSemaphore? = state.withLock { state in
            state.senders += 1
            guard !state.isOpen else { return nil }
            let turn = DispatchSemaphore(value: 0)
            state.held.append(turn)
            return turn
        }
        turn?.wait()
    }

    /// As much of RFC 5321 as it takes to accept a mail.
    private func converse(_ socket: Int32) {
        guard say("220 ready", socket) else { return }
        var isData = false
        var buffer: [UInt8] = []
        while let line = readLine(socket, &buffer) {
            switch line.prefix(4).uppercased() {
            case _ where isData:
                guard line == "." else { continue }
                isData = false
                state.withLock { $0.delivered += 1 }
                guard say("250 accepted", socket) else { return }
            case "MAIL":
                wait()
                guard say("250 fine", socket) else { return }
            case "DATA":
                isData = true
                guard say("354 go on", socket) else { return }
            case "QUIT":
                _ = say("221 bye", socket)
                return
            default:
                guard say("250 fine", socket) else { return }
            }
        }
    }

    private func say(_ line: String, _ socket: Int32) -> Bool {
        let bytes = Array("\(line)\r\n".utf8)
        return send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    private func readLine(_ socket: Int32, _ buffer: inout [UInt8]) -> String? {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeSubrange(...end)
                return line.hasSuffix("\r") ? String(line.dropLast()) : line
            }
            var piece = [UInt8](repeating: 0, count: 4_096)
            let count = read(socket, &piece, piece.count)
            guard count > 0 else { return nil }
            buffer += piece[..<count]
        }
    }
}
