import Platform
import Postgres
import TestSupport
import Testing

/// A primary and a synchronous standby: a commit is acknowledged when both have it on their disks.
struct ReplicatedPair: Sendable {
    let primary: PrivateServer
    let standby: PrivateServer
    private static let database = "pair"

    /// The connection string that operators use: whichever of the two takes writes.
    var connectionString: String {
        """
        host=\(primary.socketDirectory),\(standby.socketDirectory) user=postgres dbname=\(Self.database) \
        target_session_attrs=read-write
        """
    }

    /// Lends a pair with the product's schema.
    static func with(_ body: (ReplicatedPair) async throws -> Void) async throws {
        let logger = Logger(label: "tests", level: .critical)
        // Shared memory in the server's own directory: a killed server leaves none behind elsewhere.
        let settings = ["dynamic_shared_memory_type": "mmap"]
        let primary = try await PrivateServer.start(settings: settings, logger: logger)
        do {
            try await migrate(primary.createDatabase(named: database), logger)
            let standby = try await primary.startStandby(settings: settings)
            do {
                try await waitForStandby(primary, logger)
                try await body(ReplicatedPair(primary: primary, standby: standby))
                await standby.stop()
            } catch {
                await standby.stop()
                throw error
            }
            await primary.stop()
        } catch {
            await primary.stop()
            throw error
        }
    }

    private static func migrate(_ url: String, _ logger: Logger) async throws {
        let client = PostgresClient(PostgresConfiguration(connectionString: url), logger: logger)
        _ = try await Migrator(directory: TestDatabase.migrations, logger: logger).up(client)
        await client.close()
    }

    /// Only now, or nothing could have been committed before there was a standby; and not in the standby's own settings,
    /// or it could commit nothing once it is the primary.
    private static func waitForStandby(_ primary: PrivateServer, _ logger: Logger) async throws {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: primary.connectionString()), logger: logger)
        try await client.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
        try await client.query("SELECT pg_reload_conf()")
        let isSynchronous = try await eventually {
            try await client.query("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")[0]
                .decode(Bool.self)
        }
        await client.close()
        try #require(isSynchronous, "the standby does not follow")
    }
}
