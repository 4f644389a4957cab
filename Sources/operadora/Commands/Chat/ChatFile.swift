import Calls
import FoundationEssentials
import Glibc
import Platform

/// The files that a chat reads.
enum ChatFile {
    /// Of a task; a prompt of this length is beyond what anybody writes.
    static let maximumTaskBytes = 64 << 10

    /// Throws `CommandFailure` that names the file and the line.
    static func record(_ path: String) throws -> ChatRecord {
        let text = try text(path, limit: ChatRecord.maximumBytes)
        do {
            return try ChatRecord(parsing: text)
        } catch let error as ChatError {
            throw CommandFailure("\(path), \(error): --replay wants a file that --record has written")
        }
    }

    static func text(_ path: String, limit: Int) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
            guard count > 0 else { break }
            bytes += piece.prefix(count)
            guard bytes.count <= limit else { throw CommandFailure("\(path): it is larger than \(limit) bytes") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure("\(path): it is not UTF-8 text")
        }
        return text
    }
}

/// A new file that a conversation is kept in, for its owner alone: people say who they are in it.
final class ChatRecordFile: Sendable {
    private let path: String
    private let descriptor: Int32

    /// Throws `CommandFailure` when the file is there already, or cannot be made.
    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            let isTaken = errno == EEXIST
            let reason = String(cString: strerror(errno))
            throw CommandFailure("\(path): \(isTaken ? "it is there already: name a new file" : reason)")
        }
    }

    deinit { close(descriptor) }

    /// Adds a line.
    func append(_ line: JSON) throws {
        var bytes = Array((line.text + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw CommandFailure("\(path): \(String(cString: strerror(errno)))") }
            bytes = bytes.dropFirst(count)
        }
    }
}
