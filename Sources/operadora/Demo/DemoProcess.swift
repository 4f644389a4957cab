import FoundationEssentials
import Glibc
import Platform

/// A process of this same executable, configured by environment variables alone, with its log in a file.
///
/// It runs under a shell that asks it to stop when our end of a pipe closes: so it does not outlive the demo, however
/// the demo ends.
final class DemoProcess: Sendable {
    private static let script = """
        exec 3<&0
        "$@" </dev/null 3<&- &
        process=$!
        ( read -r nothing <&3; kill -TERM "$process" 2>/dev/null ) &
        lifeline=$!
        wait "$process"
        status=$?
        kill "$lifeline" 2>/dev/null
        exit "$status"
        """

    let name: String
    private let logPath: String
    private let child: ChildProcess
    private let lifeline: LifeLine

    /// - Parameter command: of operadora, such as "worker".
    init(_ command: String, name: String, environment: [String: String], home: DemoHome) throws {
        self.name = name
        logPath = "\(home.path)/\(name).log"
        let log = open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw CommandFailure("\(logPath): \(String(cString: strerror(errno)))") }
        defer { close(log) }
        let lifeline = try LifeLine()
        let executable = try OwnExecutable.path()
        // In the demo's directory, so that no .env of the user's is read.
        child = try ChildProcess.start(
            "/bin/sh", ["-c", Self.script, "sh", executable, command], environment: environment, directory: home.path,
            input: .descriptor(lifeline.readEnd), output: .descriptor(log), error: .descriptor(log), isDetached: true)
        lifeline.closeReadEnd()
        self.lifeline = lifeline
    }

    /// Throws when it ends while it should run, with the end of its log.
    func watch() async throws {
        let exit = try await child.exit()
        throw CommandFailure("\(name) ended unexpectedly (\(exit)); the end of its log:\n\(logEnd)")
    }

    /// Asks it to stop and returns when it has.
    func stop() async {
        lifeline.cut()
        await Task.detached { [child] in _ = try? await child.exit() }.value
    }

    private var logEnd: String {
        let data = FileManager.default.contents(atPath: logPath) ?? Data()
        return String(decoding: data.suffix(2_000), as: UTF8.self)
    }
}

/// A pipe whose end of file tells the other side that we are gone.
private final class LifeLine: Sendable {
    let readEnd: Int32
    private let writeEnd: Descriptor
    private let ownReadEnd: Descriptor

    init() throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw CommandFailure("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        readEnd = ends[0]
        ownReadEnd = Descriptor(ends[0])
        writeEnd = Descriptor(ends[1])
    }

    func closeReadEnd() { ownReadEnd.close() }
    func cut() { writeEnd.close() }
}
