import Platform
import Postgres

/// The database as a command uses it: reached at once or said why not, and on the schema that this executable knows.
struct Database: Sendable {
    let client: PostgresClient
    let migrator: Migrator

    init(_ configuration: Configuration, applicationName: String, maximumConnections: Int = 2, logger: Logger) throws {
        var settings = PostgresConfiguration(connectionString: configuration.databaseURL.reveal())
        settings.applicationName = applicationName
        settings.maximumConnections = maximumConnections
        settings.usesTransactionPooler = configuration.pooler == .transaction
        client = PostgresClient(settings, logger: logger)
        migrator = try Migrator(
            directory: MigrationsDirectory.find(configuration.migrationsDirectory), logger: logger)
    }

    /// Throws when migrations are missing, unknown or not those that we know: what a command would say of missing tables is
    /// harder to read, and what it might do to unknown ones is harder to undo.
    func requireCurrentSchema() async throws {
        let status = try await migrator.status(client)
        if let refusal = status.refusal { throw CommandFailure(refusal) }
        let pending = status.pending
        guard !pending.isEmpty else { return }
        let names = pending.map { "\($0.number) (\($0.name))" }.joined(separator: ", ")
        throw CommandFailure("the database lacks migrations \(names): run operadora migrate up")
    }

    /// Runs `body` on the current schema for a command that ends, and closes the connections.
    static func with<Result: Sendable>(
        _ body: (PostgresClient) async throws -> Result
    ) async throws -> Result {
        let configuration = try Configuration.load(needs: .database)
        let logger = configuration.log.logger("operadora", level: .error)
        let database = try Database(configuration, applicationName: "operadora cli", logger: logger)
        do {
            let result = try await database.reached { try await body(database.client) }
            await database.client.close()
            return result
        } catch {
            await database.client.close()
            throw error
        }
    }

    /// Runs `body` on the current schema; of a database that cannot be reached it says what to look at.
    func reached<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        do {
            try await requireCurrentSchema()
            return try await body()
        } catch let error as PostgresError where error.code == .connection {
            throw CommandFailure(
                "\(error)".replacing("\t", with: " ") + ": look at DATABASE_URL, and whether PostgreSQL runs there")
        }
    }
}
