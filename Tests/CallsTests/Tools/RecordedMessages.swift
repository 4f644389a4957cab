import FoundationEssentials
import HTTP
import Platform
import Synchronization

@testable import Calls

/// Text messages that a test reads; or the failure of each.
final class RecordedMessages: TextMessenger {
    private let failure: TextMessageError?
    private let sent = Mutex<[String]>([])

    init(failure: TextMessageError? = nil) { self.failure = failure }

    var messages: [String] { sent.withLock { $0 } }

    func send(_ text: String, to: String, from: String) async throws {
        sent.withLock { $0.append("\(from) → \(to): \(text)") }
        if let failure { throw failure }
    }
}

/// A tools file of one test.
struct TemporaryToolsFile: Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "tools-\(UUID().uuidString).json").path

    init(_ file: JSON) throws { try write(file) }

    func write(_ file: JSON) throws { try file.data.write(to: URL(filePath: path), options: .atomic) }

    func open(allowing hosts: DestinationPolicy = .publicOnly) throws -> ToolsFile {
        try ToolsFile(path: path, destinations: hosts, logger: Logger(label: "test", level: .critical)) { _ in nil }
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
