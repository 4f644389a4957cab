public import Platform

/// A PostgreSQL of our own from the installed server's binaries: in a temporary directory, on a Unix socket, as the `postgres` user when we are
/// root. For demo, tests and benchmarks. It dies with this process, however this process dies.
public final class PrivateServer: Sendable {
    /// `settings` are appended to postgresql.conf. Durable unless a setting says otherwise (fsync stays on).
    public static func start(settings: [String: String] = [:], logger: Logger) async throws -> PrivateServer {
        fatalError("skeleton")
    }
    /// For a new or existing database on this server.
    public func connectionString(database: String = "postgres") -> String { fatalError("skeleton") }
    /// Creates an empty database and returns its connection string.
    public func createDatabase(named name: String) async throws -> String { fatalError("skeleton") }
    public enum StopMode: String, Sendable { case fast, immediate }
    /// Stops and starts again with the same data, as `pg_ctl restart -m` does.
    public func restart(_ mode: StopMode) async throws { fatalError("skeleton") }
    /// Stops and deletes the directory.
    public func stop() async { fatalError("skeleton") }
    init() { fatalError("skeleton") }
}
