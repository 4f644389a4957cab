import FoundationEssentials
import Glibc
public import Platform
import Synchronization

/// A PostgreSQL of our own from the installed server's binaries: in a temporary directory, on a Unix socket that only our
/// user reaches, as the user `postgres` when we are root. For demo, tests and benchmarks.
///
/// It dies with this process, however this process dies, and its directory with it. Starting takes one to two seconds.
public final class PrivateServer: Sendable {
    public enum StopMode: String, Sendable {
        /// Open transactions are rolled back, everything is written.
        case fast
        /// As if the power failed: the next start recovers from the log.
        case immediate

        fileprivate var signal: Int32 { self == .fast ? SIGINT : SIGQUIT }
    }

    /// Where its socket is: `host=` of a connection string.
    public var socketDirectory: String { home }

    let home: String
    let binaries: ServerBinaries
    let logger: Logger
    private let keeper = Mutex<ServerKeeper?>(nil)

    var data: String { "\(home)/data" }

    init(home: String, binaries: ServerBinaries, logger: Logger) {
        self.home = home
        self.binaries = binaries
        self.logger = logger
    }

    /// Makes a cluster (UTF-8, no authentication, reached by nobody else) and starts a server on it.
    ///
    /// - Parameters:
    ///   - settings: go to postgresql.conf. Durable unless a setting says otherwise: fsync stays on.
    ///   - limit: how long it may take until the server answers.
    /// - Throws: `PostgresError` with the end of the server's log when it does not start.
    public static func start(
        settings: [String: String] = [:], within limit: Duration = .seconds(60), logger: Logger
    ) async throws -> PrivateServer {
        let binaries = try ServerBinaries.find()
        let server = PrivateServer(home: try makeHome(for: binaries.owner), binaries: binaries, logger: logger)
        do {
            try await server.makeCluster(settings)
            try await server.run(within: limit)
        } catch {
            await server.stop()
            throw error
        }
        return server
    }

    /// For a new or existing database on this server.
    public func connectionString(database: String = "postgres") -> String {
        "host=\(home) user=postgres dbname='\(database.filter { $0 != "'" && $0 != "\\" })'"
    }

    /// Creates a database, empty or as a copy of `template` (to which nobody may be connected). Returns its connection
    /// string.
    @discardableResult
    public func createDatabase(named name: String, template: String = "template1") async throws -> String {
        var configuration = PostgresConfiguration(connectionString: connectionString())
        configuration.maximumConnections = 1
        let client = PostgresClient(configuration, logger: logger)
        do {
            try await client.query(
                "CREATE DATABASE \(unsafe: name.quotedIdentifier) TEMPLATE \(unsafe: template.quotedIdentifier)")
        } catch {
            await client.close()
            throw error
        }
        await client.close()
        return connectionString(database: name)
    }

    /// Stops and starts again with the same data, as `pg_ctl restart -m` does. One at a time. Returns when the server answers.
    public func restart(_ mode: StopMode, within limit: Duration = .seconds(60)) async throws {
        guard let keeper = keeper.withLock({ $0 }), let server = serverProcessID() else {
            throw PostgresError(.closed, "the private server does not run")
        }
        Glibc.kill(server, mode.signal)
        _ = try await keeper.process.exit()
        try await run(within: limit)
    }

    /// Kills the server with SIGKILL, which leaves its directory as it is. Returns when it is gone.
    public func kill() async throws {
        guard let keeper = keeper.withLock({ $0 }), let server = serverProcessID() else {
            throw PostgresError(.closed, "the private server does not run")
        }
        Glibc.kill(server, SIGKILL)
        _ = try await keeper.process.exit()
    }

    /// Stops in immediate mode and deletes the directory.
    public func stop() async {
        let process = keeper.withLock { $0?.process }
        // Letting go of the keeper closes the pipe, which is what ends the server.
        keeper.withLock { $0 = nil }
        // Also when this task is cancelled.
        await Task.detached { _ = try? await process?.exit() }.value
        // The directory is still there when the server ended before.
        try? FileManager.default.removeItem(atPath: home)
    }

    /// A directory of mode 0700 that belongs to the server's user.
    static func makeHome(for owner: ServerBinaries.Owner?) throws -> String {
        // Not TMPDIR: the path of a Unix socket may have 107 bytes at most.
        var template = Array("/tmp/operadora-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw PostgresError(.connection, "cannot make a directory in /tmp: \(String(cString: strerror(errno)))")
        }
        let home = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let owner { chown(home, owner.user, owner.group) }
        return home
    }

    private func makeCluster(_ settings: [String: String]) async throws {
        try await run(
            "initdb",
            [
                "--pgdata", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8",
                "--no-sync",
                "--no-instructions",
            ])
        try append(settings)
    }

    /// Runs one of the server's programs to its end; what it says goes to the server's log.
    func run(_ program: String, _ arguments: [String]) async throws {
        let command = binaries.command(program, arguments)
        let log = open("\(home)/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        defer { close(log) }
        let process = try ChildProcess.start(
            command[0], Array(command.dropFirst()), directory: "/", output: .descriptor(log), error: .descriptor(log),
            isDetached: true)
        guard try await process.exit() == .status(0) else { throw startFailure("\(program) failed") }
        if let owner = binaries.owner { chown("\(home)/log", owner.user, owner.group) }
    }

    func append(_ settings: [String: String]) throws {
        let defaults = [
            "listen_addresses": "", "unix_socket_directories": home, "max_connections": "300", "timezone": "UTC",
            "log_timezone": "UTC", "logging_collector": "off",
        ]
        let lines = defaults.merging(settings) { _, new in new }.sorted { $0.key < $1.key }.map { name, value in
            "\(name) = '\(value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'\n"
        }
        let path = "\(data)/postgresql.conf"
        try (String(contentsOfFile: path, encoding: .utf8) + lines.joined())
            .write(toFile: path, atomically: false, encoding: .utf8)
    }

    func run(within limit: Duration) async throws {
        let keeper = try ServerKeeper(home: home, command: binaries.command("postgres", ["-D", data]))
        self.keeper.withLock { $0 = keeper }
        let outcome = try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                let exit = try await keeper.process.exit()
                return "the private server ended while starting (\(exit))"
            }
            group.addTask {
                try await self.isReady(within: limit) ? nil : "the private server is not ready after \(limit)"
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        if let outcome { throw startFailure(outcome) }
    }

    /// The server writes its state into postmaster.pid, which is what pg_ctl waits for as well.
    private func isReady(within limit: Duration) async throws -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let lines = postmasterFile()
            if lines.count > 7, lines[7].hasPrefix("ready"), let id = pid_t(lines[0]), Glibc.kill(id, 0) == 0 {
                return true
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    private func serverProcessID() -> pid_t? { postmasterFile().first.flatMap { pid_t($0) } }

    private func postmasterFile() -> [Substring] {
        let text = try? String(contentsOfFile: "\(data)/postmaster.pid", encoding: .utf8)
        return text?.split(separator: "\n", omittingEmptySubsequences: false) ?? []
    }

    func startFailure(_ reason: String) -> PostgresError {
        let log = (try? String(contentsOfFile: "\(home)/log", encoding: .utf8)) ?? ""
        return PostgresError(.connection, "\(reason); the end of its log:\n\(log.suffix(2_000))")
    }
}

extension String {
    /// As an SQL identifier, whatever is in it.
    var quotedIdentifier: String {
        "\"" + split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }
}
