import Foundation
import Glibc
import Platform
import Testing

@Suite struct ChildProcessTests {
    /// Runs a shell script with its output in a file, and returns how it ended and what it wrote.
    private func run(
        _ script: String, environment: [String: String]? = nil, directory: String? = nil
    ) async throws -> (exit: ChildProcess.Exit, output: String) {
        let file = FileManager.default.temporaryDirectory.appending(path: "output-\(UUID().uuidString)").path
        defer { unlink(file) }
        let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let child = try ChildProcess.start(
            "sh", ["-c", script], environment: environment, directory: directory, output: .descriptor(descriptor))
        let exit = try await child.exit()
        return (exit, try String(contentsOfFile: file, encoding: .utf8))
    }

    @Test("A child gets its arguments, environment and directory, and its status comes back")
    func basics() async throws {
        let (exit, output) = try await run(
            "echo $NAME; pwd; exit 7", environment: ["NAME": "a b", "PATH": "/usr/bin:/bin"], directory: "/usr")
        #expect(exit == .status(7) && output == "a b\n/usr\n")
    }

    @Test("A child inherits no descriptor of ours, and no ignored signal")
    func inheritsNothing() async throws {
        // Without close-on-exec, as careless libraries open them.
        let leak = open("/dev/null", O_RDONLY)
        defer { close(leak) }
        signal(SIGPIPE, SIG_IGN)
        let (_, output) = try await run("ls /proc/self/fd | sort -n | tail -n 1; grep SigIgn /proc/self/status")
        let lines = output.split(separator: "\n")
        // 3 is the directory that ls itself reads.
        #expect(lines.first == "3")
        // Signals 1 to 31; glibc keeps two of the others to itself.
        let ignored = lines.last.flatMap { UInt64($0.suffix(16), radix: 16) }
        #expect(ignored.map { $0 & 0x7fff_ffff } == 0)
    }

    @Test("A signal reaches the child, and none is sent to a process that has ended")
    func signals() async throws {
        let child = try ChildProcess.start("sleep", ["600"])
        #expect(child.signal(SIGKILL))
        #expect(try await child.exit() == .signal(SIGKILL))
        #expect(!child.signal(SIGKILL))
        #expect(try await child.exit() == .signal(SIGKILL))
    }

    @Test("Waiting can be cancelled, and the child goes on")
    func cancellation() async throws {
        let child = try ChildProcess.start("sleep", ["600"])
        let waiting = Task { try await child.exit() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(child.signal(SIGTERM))
        #expect(try await child.exit() == .signal(SIGTERM))
    }

    @Test("A program that is not there is an error that names it")
    func missing() {
        let error = #expect(throws: ChildProcessError.self) { try ChildProcess.start("/no/such/program") }
        #expect(error?.description == "cannot start /no/such/program: No such file or directory")
    }
}
