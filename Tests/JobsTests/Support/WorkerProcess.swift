import Foundation
import Glibc
import Jobs
import Platform
import Postgres

/// A `JobsTestWorker` process.
struct WorkerProcess: Sendable {
    private let child: ChildProcess

    /// - Parameters:
    ///   - ticks: it has a schedule of one job a second, of the kind that storms run.
    ///   - clock: how far its clock is off, such as "+3600s"; needs `canSetClock`.
    static func start(
        _ url: String, heartbeat: Duration = .milliseconds(200), deadAfter: Duration = .seconds(2), ticks: Bool = false,
        clock: String? = nil
    ) throws -> WorkerProcess {
        let milliseconds = [heartbeat, deadAfter].map { "\(Int($0.inMilliseconds))" }
        var environment = ProcessInfo.processInfo.environment
        // Those that trap do so on purpose.
        environment["SWIFT_BACKTRACE"] = "enable=no"
        if let clock, let clockLibrary {
            environment["LD_PRELOAD"] = clockLibrary
            environment["FAKETIME"] = clock
            // As on a machine whose clock is wrong: what measures time is not.
            environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
        }
        return WorkerProcess(
            child: try ChildProcess.start(
                executable, [url] + milliseconds + (ticks ? ["ticks"] : []), environment: environment,
                error: ticks ? .null : .inherited))
    }

    /// faketime(1) is installed.
    static var canSetClock: Bool { clockLibrary != nil }

    private static let clockLibrary: String? = {
        let directories = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib")) ?? []
        return directories.map { "/usr/lib/\($0)/faketime/libfaketimeMT.so.1" }
            .first { FileManager.default.fileExists(atPath: $0) }
    }()

    /// Built beside the tests.
    private static var executable: String {
        let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: tests).deletingLastPathComponent().appending(path: "JobsTestWorker").path
    }

    func kill() { _ = child.signal(SIGKILL) }
    func freeze() { _ = child.signal(SIGSTOP) }
    func thaw() { _ = child.signal(SIGCONT) }
    func stop() { _ = child.signal(SIGTERM) }
    func end() async throws -> ChildProcess.Exit { try await child.exit() }
}

/// The arguments of the jobs that it runs.
struct Recorded: Job {
    static let kind = "recorded"
    var behaviour: String
}

extension JobBench {
    /// The tables that `JobsTestWorker` writes to.
    func makeRunTables() async throws {
        try await sql(
            """
            CREATE TABLE runs (
                job_id bigint NOT NULL, attempt bigint NOT NULL, process bigint NOT NULL,
                started_at timestamptz NOT NULL DEFAULT clock_timestamp(), ended_at timestamptz
            )
            """)
        try await sql("CREATE TABLE failures (error text NOT NULL)")
    }

    /// Asks again and again until the answer is yes.
    func until(_ condition: PostgresQuery) async throws {
        while try await !value(condition, Bool.self) { try await Task.sleep(for: .milliseconds(10)) }
    }
}
