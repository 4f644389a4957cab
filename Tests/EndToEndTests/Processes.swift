import Foundation
import Platform
import Synchronization

/// Processes of the real executable, by name, to be killed and started again.
final class Processes: Sendable {
    private struct Entry {
        var arguments: [String]
        var process: ChildProcess
    }

    private let environment: [String: String]
    private let log: FileHandle
    private let entries = Mutex<[String: Entry]>([:])

    /// The executable is built beside the test bundle.
    private static let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "operadora").path

    init(environment: [String: String], log: String) throws {
        self.environment = environment
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        self.log = try FileHandle(forWritingTo: URL(filePath: log))
    }

    var names: [String] { entries.withLock { $0.keys.sorted() } }

    func start(_ name: String, _ arguments: [String]) throws {
        let process = try spawn(arguments)
        entries.withLock { $0[name] = Entry(arguments: arguments, process: process) }
    }

    /// Runs a command to its end; throws when it fails.
    func run(_ arguments: [String]) async throws {
        let exit = try await spawn(arguments).exit()
        guard exit == .status(0) else { throw CommandFailed(arguments: arguments, exit: exit) }
    }

    /// Runs a command that prints JSON.
    func json(_ arguments: [String]) async throws -> JSON {
        let file = FileManager.default.temporaryDirectory.appending(path: "output-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = try FileHandle(forWritingTo: file)
        let exit = try await ChildProcess.start(
            Self.executable, arguments, environment: environment, output: .descriptor(output.fileDescriptor),
            error: .descriptor(log.fileDescriptor)
        ).exit()
        guard exit == .status(0) else { throw CommandFailed(arguments: arguments, exit: exit) }
        return try JSON(parsing: Data(contentsOf: file))
    }

    /// SIGKILL: it has no chance to put anything in order. Returns once it is gone; throws when it had ended by itself.
    func kill(_ name: String) async throws {
        guard let entry = entries.withLock({ $0[name] }) else { return }
        entry.process.signal(SIGKILL)
        let exit = try await entry.process.exit()
        guard exit == .signal(SIGKILL) else { throw CommandFailed(arguments: entry.arguments, exit: exit) }
    }

    func restart(_ name: String) throws {
        guard let arguments = entries.withLock({ $0[name]?.arguments }) else { return }
        try start(name, arguments)
    }

    /// SIGTERM to all, in the order of their names; returns once they are gone.
    func stop() async {
        let processes = entries.withLock { $0.sorted { $0.key < $1.key }.map(\.value.process) }
        for process in processes { process.signal(SIGTERM) }
        for process in processes { _ = try? await process.exit() }
        try? log.close()
    }

    private func spawn(_ arguments: [String]) throws -> ChildProcess {
        try ChildProcess.start(
            Self.executable, arguments, environment: environment, output: .null,
            error: .descriptor(log.fileDescriptor))
    }
}

struct CommandFailed: Error, CustomStringConvertible {
    let arguments: [String]
    let exit: ChildProcess.Exit
    var description: String { "operadora \(arguments.joined(separator: " ")) ended with \(exit)" }
}
