import Glibc
import Platform

/// One run of the server under a shell that stops it when our process is gone, however it went: our end of a pipe closes
/// then. The shell deletes the server's home too, and ends by itself when the server does.
final class ServerKeeper: Sendable {
    private static let script = """
        home=$1
        end=$2
        shift 2
        exec 3<&0
        "$@" <&- 3<&- >>"$home/log" 2>&1 &
        server=$!
        (
            read -r nothing <&3
            : >"$home/abandoned"
            kill "-$end" "$server"
        ) &
        lifeline=$!
        wait "$server"
        status=$?
        if [ -e "$home/abandoned" ]; then rm -rf "$home"; fi
        kill "$lifeline" 2>"/dev/null"
        exit "$status"
        """

    let process: ChildProcess
    private let lifeline: Int32

    /// - Parameter endSignal: at which the server ends at once. It should be one that the server handles: a shell's background
    ///   processes ignore some.
    init(home: String, command: [String], endSignal: String = "QUIT") throws {
        var pipe: [Int32] = [0, 0]
        guard Glibc.pipe(&pipe) == 0 else { throw PostgresError(.connection, "no descriptor is left for a pipe") }
        // Our end must not live on in other children of ours.
        _ = fcntl(pipe[1], F_SETFD, FD_CLOEXEC)
        defer { close(pipe[0]) }
        lifeline = pipe[1]
        do {
            process = try ChildProcess.start(
                "/bin/sh", ["-c", Self.script, "sh", home, endSignal] + command, input: .descriptor(pipe[0]),
                output: .null,
                error: .null, isDetached: true)
        } catch {
            close(pipe[1])
            throw error
        }
    }

    deinit { close(lifeline) }
}
