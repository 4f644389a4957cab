import FoundationEssentials
import Platform
public import Postgres

/// A database of a suite's own, on the PostgreSQL that all suites of the test process share.
public struct TestDatabase: Sendable {
    /// For a second client, or a process under test.
    public let connectionString: String
    public let client: PostgresClient

    /// The directory `migrations` of this repository.
    public static let migrations = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "migrations").path

    /// Creates a database with the product's schema, or an empty one. Takes some 50 ms.
    public static func make(migrated: Bool = true, maximumConnections: Int = 8) async throws -> TestDatabase {
        let cluster = try await SharedCluster.instance.value
        let name = "test_\(UUID().uuidString.lowercased())"
        let connectionString = try await cluster.makers.next {
            try await cluster.server.createDatabase(
                named: name, template: migrated ? SharedCluster.template : "template1")
        }
        var configuration = PostgresConfiguration(connectionString: connectionString)
        configuration.maximumConnections = maximumConnections
        // All tests of a process start at once, on a machine that may have little to give to each.
        configuration.acquireTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        return TestDatabase(
            connectionString: connectionString, client: PostgresClient(configuration, logger: cluster.logger))
    }

    /// The server that the databases are on. Do not restart it: other suites are using it.
    public static func server() async throws -> PrivateServer { try await SharedCluster.instance.value.server }
}

/// One server for the test process, and one database with the schema from which the others are copied. It is never stopped:
/// the server ends with the process.
private struct SharedCluster: Sendable {
    static let template = "migrated"
    static let instance = Task { try await start() }

    let server: PrivateServer
    let logger: Logger
    let makers = Line()

    private static func start() async throws -> SharedCluster {
        let logger = Logger(label: "tests", level: .error)
        // It never crashes: what crashes servers has its own.
        let settings = ["max_connections": "500", "fsync": "off", "full_page_writes": "off"]
        let server = try await PrivateServer.start(settings: settings, logger: logger)
        let client = PostgresClient(
            PostgresConfiguration(connectionString: try await server.createDatabase(named: template)), logger: logger)
        _ = try await Migrator(directory: TestDatabase.migrations, logger: logger).up(client)
        await client.close()
        return SharedCluster(server: server, logger: logger)
    }
}

/// Lets one at a time do its work, in the order of asking: hundreds of tests want their database at the same moment.
private actor Line {
    private var last: Task<String, any Error>?

    func next(_ work: @escaping @Sendable () async throws -> String) async throws -> String {
        let before = last
        let task = Task {
            _ = await before?.result
            return try await work()
        }
        last = task
        return try await task.value
    }
}
