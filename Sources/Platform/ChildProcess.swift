import CSpawn
import Glibc
import Synchronization

/// A process that we started. It is reaped by itself; letting go of this object does not end it.
public final class ChildProcess: Sendable {
    /// How it ended.
    public enum Exit: Sendable, Equatable {
        case status(Int32)
        case signal(Int32)
    }

    /// What one of its standard streams is.
    public enum Stream: Sendable {
        case inherited
        case null
        /// An open file or pipe of ours, which stays ours to close.
        case descriptor(Int32)
    }

    private struct State {
        var exit: Exit?
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Exit, any Error>] = [:]
    }

    /// The system may give this number to another process once this one has ended: use `signal` instead of kill(2).
    public let processID: Int32
    private let state = Mutex(State())

    private init(processID: Int32) { self.processID = processID }

    /// Starts a program with default signal handlers and none of our descriptors but its standard streams.
    ///
    /// - Parameters:
    ///   - executable: a path, or a name that is looked up in PATH.
    ///   - environment: the whole environment; nil is ours.
    ///   - directory: where it starts; nil is ours.
    ///   - isDetached: in a session of its own, so that Ctrl-C in the terminal does not reach it.
    /// - Throws: `ChildProcessError` when it cannot be started.
    public static func start(
        _ executable: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        directory: String? = nil, input: Stream = .null, output: Stream = .inherited, error: Stream = .inherited,
        isDetached: Bool = false
    ) throws -> ChildProcess {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, stream) in [input, output, error].enumerated() { add(stream, as: Int32(number), to: &actions) }
        spawn_file_actions_addclosefrom(&actions, 3)
        if let directory { spawn_file_actions_addchdir(&actions, directory) }

        var attributes = attributes(isDetached: isDetached)
        defer { posix_spawnattr_destroy(&attributes) }

        var processID: pid_t = 0
        let status = withCStrings([executable] + arguments) { arguments in
            guard let environment else {
                return posix_spawnp(&processID, executable, &actions, &attributes, arguments, environ)
            }
            return withCStrings(environment.map { "\($0)=\($1)" }) { environment in
                posix_spawnp(&processID, executable, &actions, &attributes, arguments, environment)
            }
        }
        guard status == 0 else { throw ChildProcessError(executable: executable, errno: status) }
        let child = ChildProcess(processID: processID)
        OwnThread.start { child.reap() }
        return child
    }

    /// Waits until it has ended. Throws `CancellationError` when the waiting task is cancelled; the process goes on.
    public func exit() async throws -> Exit {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let exit = state.withLock { state in
                    if state.exit == nil { state.waiters[id] = continuation }
                    return state.exit
                }
                if let exit { continuation.resume(returning: exit) } else if Task.isCancelled { abandon(id) }
            }
        } onCancel: {
            abandon(id)
        }
    }

    /// Sends a signal, e.g. SIGKILL. False when it has ended already.
    @discardableResult
    public func signal(_ number: Int32) -> Bool {
        // The process is reaped under the same lock, so its number is still its own here.
        state.withLock { $0.exit == nil && kill(processID, number) == 0 }
    }

    private func abandon(_ waiter: Int) {
        state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume(throwing: CancellationError())
    }

    /// Runs on a thread of its own: waiting for a child blocks.
    private func reap() {
        var info = siginfo_t()
        while waitid(P_PID, id_t(processID), &info, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        let (exit, waiters) = state.withLock { state in
            var status: Int32 = 0
            waitpid(processID, &status, 0)
            let exit = Exit(waitStatus: status)
            state.exit = exit
            defer { state.waiters = [:] }
            return (exit, state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: exit) }
    }

    private static func add(_ stream: Stream, as number: Int32, to actions: inout posix_spawn_file_actions_t) {
        switch stream {
        case .inherited: break
        case .null: posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, number)
        }
    }

    /// Ignored signals are inherited over exec, and we ignore SIGPIPE: children start with the defaults.
    private static func attributes(isDetached: Bool) -> posix_spawnattr_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let session = isDetached ? spawn_setsid : 0
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | session)
        return attributes
    }

    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}

extension ChildProcess.Exit {
    /// From the status that waitpid(2) stores; the macros are not there for Swift.
    fileprivate init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .status((waitStatus >> 8) & 0xff) : .signal(signal)
    }
}

/// A program could not be started.
public struct ChildProcessError: Error, Sendable, CustomStringConvertible {
    public let executable: String
    public let errno: Int32
    public var description: String { "cannot start \(executable): \(String(cString: strerror(errno)))" }
}
