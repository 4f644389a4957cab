import Platform
import Postgres

/// The server that is measured on, and empty databases on it.
struct Bench: Sendable {
    let logger: Logger
    private let server: PrivateServer?
    private let serverURL: String

    static func start(database: String?) async throws -> Bench {
        let logger = Logger(label: "benchmarks", level: .error)
        if let database { return Bench(logger: logger, server: nil, serverURL: database) }
        let server = try await PrivateServer.start(logger: logger)
        return Bench(logger: logger, server: server, serverURL: server.connectionString())
    }

    func stop() async { await server?.stop() }

    /// A new database with the product's schema; returns its connection string.
    func database(_ name: String) async throws -> String {
        let url = try await emptyDatabase(name)
        let client = client(url)
        let migrations = try Migrator(directory: "migrations", logger: logger)
        _ = try await migrations.up(client)
        await client.close()
        return url
    }

    func client(_ url: String, connections: Int = 8) -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: url)
        configuration.maximumConnections = connections
        configuration.statementTimeout = nil
        return PostgresClient(configuration, logger: logger)
    }

    /// A new database with nothing in it; returns its connection string.
    func emptyDatabase(_ name: String) async throws -> String {
        if let server { return try await server.createDatabase(named: name) }
        let client = client(serverURL)
        try await client.query("DROP DATABASE IF EXISTS \(unsafe: name)")
        try await client.query("CREATE DATABASE \(unsafe: name)")
        await client.close()
        return serverURL + " dbname=\(name)"
    }
}
