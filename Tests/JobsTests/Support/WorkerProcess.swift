import FoundationEssentials
import Glibc
import Jobs
import Platform
import Postgres

/// A `JobsTestWorker` process.
struct WorkerProcess: Sendable {
    private let child: ChildProcess

    static func start(_ url: String, heartbeat: Duration = .milliseconds(200), deadAfter: Duration = .seconds(2)) throws
        -> WorkerProcess
    {
        let milliseconds = [heartbeat, deadAfter].map { "\(Int($0.inMilliseconds))" }
        return WorkerProcess(child: try ChildProcess.start(executable, [url] + milliseconds))
    }

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
