import Glibc
public import HTTP
public import Platform
import Synchronization

/// The tools file, read anew when it has changed. A file that is broken, or gone, leaves in force what was read before.
///
/// May be used from any task. Asking costs a look at the file's status.
public final class ToolsFile: Sendable {
    /// By which a changed file is known.
    private struct Stamp: Hashable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var seconds: Int
        var nanoseconds: Int
    }

    private struct State {
        var definitions: ToolDefinitions
        /// Of what was read last, good or bad; nil when there was no file.
        var stamp: Stamp?
    }

    public let path: String
    private let reader: ToolsFileReader
    private let logger: Logger
    private let state: Mutex<State>

    /// Without a file the program's own tools stand as they are.
    ///
    /// - Parameter secret: the value of an environment variable; nil when it is not set.
    ///
    /// Throws `ToolsFileError` with everything that is wrong with the file.
    public init(
        path: String, destinations: DestinationPolicy = .publicOnly, logger: Logger,
        secret: @escaping @Sendable (String) -> Secret?
    ) throws(ToolsFileError) {
        self.path = path
        self.logger = logger
        reader = ToolsFileReader(secret: secret, destinations: destinations)
        // The stamp is taken first: a change while the file is read is then seen as one.
        let stamp = Self.stamp(of: path)
        let definitions = try stamp == nil ? ToolDefinitions.standard : reader.read(Self.bytes(of: path))
        state = Mutex(State(definitions: definitions, stamp: stamp))
    }

    /// Whether there was a file when it was last looked for.
    public var isThere: Bool { state.withLock { $0.stamp != nil } }

    /// What is in force now.
    public var definitions: ToolDefinitions {
        let stamp = Self.stamp(of: path)
        return state.withLock { state in
            if stamp != state.stamp {
                state.stamp = stamp
                reload(&state, isThere: stamp != nil)
            }
            return state.definitions
        }
    }

    private func reload(_ state: inout State, isThere: Bool) {
        guard isThere else {
            return logger.warning("the tools file is gone: what it said stays in force", metadata: ["file": path])
        }
        do {
            state.definitions = try reader.read(Self.bytes(of: path))
            logger.notice("the tools file was read anew", metadata: ["file": path])
        } catch {
            for problem in error.problems.prefix(20) {
                logger.warning(
                    "the tools file is broken: what it said before stays in force",
                    metadata: ["file": path, "problem": problem.description])
            }
        }
    }

    private static func bytes(of path: String) throws(ToolsFileError) -> [UInt8] {
        // One byte more than is allowed tells that there is more.
        let limit = ToolsFileReader.maximumBytes + 1
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw unreadable() }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit)
        var count = 0
        while count < limit {
            let more = bytes.withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress?.advanced(by: count), limit - count)
            }
            guard more >= 0 else { throw unreadable() }
            if more == 0 { break }
            count += more
        }
        return Array(bytes.prefix(count))
    }

    private static func unreadable() -> ToolsFileError {
        ToolsFileError(problems: [.init(path: "$", problem: "cannot be read: \(String(cString: strerror(errno)))")])
    }

    private static func stamp(of path: String) -> Stamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Stamp(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
}
