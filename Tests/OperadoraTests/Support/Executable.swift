import FoundationEssentials
import Glibc
import Platform

/// The built `operadora`, as a process of its own.
struct Executable: Sendable {
    /// It is built beside the tests.
    static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "operadora").path

    let process: ChildProcess
    let output: LineReader
    let error: LineReader

    /// Starts it with these variables alone; its standard input is what `input` says, and then ends.
    init(
        _ arguments: [String], _ environment: [String: String] = [:], input: String = "", path: String = Self.path
    ) throws {
        let base = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME", "LD_LIBRARY_PATH"].contains($0.key) }
        let (output, error) = (try Pipe(), try Pipe())
        let file = try Self.file(input)
        defer { close(file) }
        process = try ChildProcess.start(
            path, arguments, environment: base.merging(environment) { _, new in new },
            directory: FileManager.default.temporaryDirectory.path, input: .descriptor(file),
            output: .descriptor(output.writeEnd), error: .descriptor(error.writeEnd), isDetached: true)
        self.output = output.reader()
        self.error = error.reader()
    }

    /// Runs it to its end.
    static func run(
        _ arguments: String..., environment: [String: String] = [:]
    ) async throws -> (exit: ChildProcess.Exit, output: String, error: String) {
        let run = try Executable(arguments, environment)
        async let output = run.output.rest()
        async let error = run.error.rest()
        let exit = try await run.process.exit()
        return (exit, await output, await error)
    }

    /// A file without a name that holds a text of any length, to be read from its beginning.
    private static func file(_ text: String) throws -> Int32 {
        var path = Array("/tmp/operadora-input-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        let bytes = Array(text.utf8)
        guard file >= 0, unlink(path) == 0, write(file, bytes, bytes.count) == bytes.count,
            lseek(file, 0, SEEK_SET) == 0
        else {
            throw NoPipe()
        }
        return file
    }

    private struct NoPipe: Error {}

    private struct Pipe {
        let readEnd: Int32
        let writeEnd: Int32

        init() throws {
            var ends: [Int32] = [0, 0]
            guard Glibc.pipe(&ends) == 0 else { throw NoPipe() }
            (readEnd, writeEnd) = (ends[0], ends[1])
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }

        /// Closes our copy of the writing end: the child's is then the last.
        func reader() -> LineReader {
            close(writeEnd)
            return LineReader(descriptor: readEnd)
        }
    }
}

/// Reads what a process writes, on a queue of its own, since reading blocks.
actor LineReader {
    private let executor = QueueExecutor(label: "operadora.test.line-reader")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// The first line from here on for which this holds; nil when the output ends without one.
    func line(where holds: @Sendable (String) -> Bool) -> String? {
        while true {
            while let end = buffer.firstIndex(of: 0x0A) {
                let line = String(decoding: buffer[..<end], as: UTF8.self)
                buffer.removeSubrange(...end)
                if holds(line) { return line }
            }
            guard readMore() else { return nil }
        }
    }

    /// Whether this comes, whether or not its line has ended.
    func has(_ text: String) -> Bool {
        while !String(decoding: buffer, as: UTF8.self).contains(text) {
            guard readMore() else { return false }
        }
        return true
    }

    func rest() -> String {
        while readMore() {}
        defer { buffer = [] }
        return String(decoding: buffer, as: UTF8.self)
    }

    private func readMore() -> Bool {
        var piece = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &piece, piece.count)
        if count > 0 { buffer += piece[..<count] }
        return count > 0
    }
}
