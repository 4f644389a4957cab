public import Platform

/// Numbered migrations `NNN_name.up.sql` / `NNN_name.down.sql` from a directory, each in its own transaction, checksummed in
/// the table `schema_migrations` of the current schema (the first of the search path).
///
/// Any number of processes may start at once: one works, the others wait and then find nothing to do. A file whose first
/// line is `-- no transaction` holds a single statement that cannot run in one, such as CREATE INDEX CONCURRENTLY.
public struct Migrator: Sendable {
    public struct Migration: Sendable, Equatable {
        /// From 1.
        public let number: Int
        public let name: String
        /// SHA-256 of the up file, hexadecimal.
        public let checksum: String
    }

    public struct Status: Sendable {
        public let applied: [Migration]
        public let pending: [Migration]
        /// Why `up` and `down` would refuse this database, or nil.
        public let refusal: String?
    }

    private let directory: MigrationDirectory
    private let logger: Logger
    private let lockLimit: Duration

    /// Reads and checks the directory: gaps, duplicates and missing halves are errors that name the file.
    ///
    /// - Parameter lockLimit: how long to wait for another process that is migrating the same schema.
    public init(directory: String, lockLimit: Duration = .seconds(600), logger: Logger) throws {
        self.directory = try MigrationDirectory(path: directory)
        self.lockLimit = lockLimit
        self.logger = logger
    }

    /// The number of the directory's last migration; 0 when it has none.
    public var newest: Int { directory.entries.count }

    /// Applies what is pending, oldest first, and returns it. Throws `MigrationError`, and changes nothing, when the database
    /// has migrations that are unknown or have been changed since; one that fails leaves those before it applied.
    public func up(_ client: PostgresClient) async throws -> [Migration] {
        try await exclusively(client) { connection in
            let plan = try await plan(connection)
            for entry in plan.pending {
                logger.info("applying migration", metadata: ["migration": entry.label])
                try await run(
                    entry.up, "\(entry.label).up.sql", connection, record: Self.insertion(of: entry.migration))
            }
            return plan.pending.map(\.migration)
        }
    }

    /// Reverts the newest `count` migrations, newest first, and returns them.
    public func down(_ client: PostgresClient, count: Int = 1) async throws -> [Migration] {
        try await exclusively(client) { connection in
            let reverted = try await plan(connection).applied.suffix(max(0, count)).reversed()
            for migration in reverted {
                let entry = directory.entries[migration.number - 1]
                logger.info("reverting migration", metadata: ["migration": entry.label])
                try await run(
                    entry.down, "\(entry.label).down.sql", connection,
                    record: "DELETE FROM schema_migrations WHERE number = \(migration.number)")
            }
            return Array(reverted)
        }
    }

    /// Reads only: also a database that `up` would refuse, or that has never been migrated.
    public func status(_ client: PostgresClient) async throws -> Status {
        let plan = try await client.withConnection {
            MigrationPlan(applied: try await applied($0), known: directory.entries)
        }
        return Status(
            applied: plan.applied, pending: plan.pending.map(\.migration), refusal: plan.refusal?.message)
    }

    // MARK: One at a time

    /// A connection of its own: without a statement time-out, and with a lock that ends with it.
    private func exclusively<Result: Sendable>(
        _ client: PostgresClient, _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        var configuration = client.configuration
        // The lock belongs to a session, which a transaction pooler does not give: it would stay behind, and shut out others.
        guard !configuration.usesTransactionPooler else {
            throw MigrationError("migrations need PostgreSQL itself: connect past the transaction pooler")
        }
        configuration.maximumConnections = 1
        configuration.statementTimeout = nil
        let own = PostgresClient(configuration, logger: logger)
        do {
            let result = try await own.withConnection { connection in
                try await lock(connection)
                try await connection.query(Self.table)
                return try await body(connection)
            }
            await own.close()
            return result
        } catch {
            await own.close()
            throw error
        }
    }

    /// Asks again and again instead of waiting in the server: a session that waits has a snapshot, and CREATE INDEX
    /// CONCURRENTLY in the session that holds the lock would wait for that snapshot to end, for ever.
    private func lock(_ connection: PostgresConnection) async throws {
        let deadline = ContinuousClock.now + lockLimit
        var hasWaited = false
        while true {
            let (schema, isLocked) = try await connection.query(Self.lock)[0].decode(String?.self, Bool?.self)
            guard schema != nil else {
                throw MigrationError(
                    "no schema of the connection's search_path exists: create it, or correct DATABASE_URL")
            }
            if isLocked == true { return }
            guard ContinuousClock.now < deadline else {
                throw MigrationError("another process has been migrating this schema for \(lockLimit)")
            }
            if !hasWaited { logger.info("another process is migrating this schema, waiting for it") }
            hasWaited = true
            try await Task.sleep(for: .milliseconds(Int.random(in: 50...150)))
        }
    }

    private static let lock: PostgresQuery = """
        SELECT current_schema()::text,
               pg_try_advisory_lock(hashtextextended('schema_migrations ' || current_schema(), 0))
        """

    private static let table: PostgresQuery = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            number integer PRIMARY KEY,
            name text NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """

    // MARK: What is there, and one step

    private func plan(_ connection: PostgresConnection) async throws -> MigrationPlan {
        let plan = MigrationPlan(applied: try await applied(connection), known: directory.entries)
        if let refusal = plan.refusal { throw refusal }
        return plan
    }

    private func applied(_ connection: PostgresConnection) async throws -> [Migration] {
        let isThere =
            "SELECT to_regclass(quote_ident(current_schema()) || '.schema_migrations') IS NOT NULL" as PostgresQuery
        guard try await connection.query(isThere)[0].decode(Bool.self) else { return [] }
        do {
            return try await connection.query("SELECT number, name, checksum FROM schema_migrations ORDER BY number")
                .map {
                    let (number, name, checksum) = try $0.decode(Int.self, String.self, String.self)
                    return Migration(number: number, name: name, checksum: checksum)
                }
        } catch let error as PostgresError where error.sqlState == "42703" {
            throw MigrationError("the table schema_migrations is of another program: use another schema", cause: error)
        }
    }

    private static func insertion(of migration: Migration) -> PostgresQuery {
        """
        INSERT INTO schema_migrations (number, name, checksum)
        VALUES (\(Int32(clamping: migration.number)), \(migration.name), \(migration.checksum))
        """
    }

    private func run(
        _ script: String, _ file: String, _ connection: PostgresConnection, record: PostgresQuery
    ) async throws {
        do {
            if script.hasPrefix("-- no transaction") {
                try await connection.executeScript(unsafe: script)
                try await connection.query(record)
            } else {
                try await connection.query("BEGIN")
                try await connection.executeScript(unsafe: script)
                guard connection.isInTransaction else {
                    throw MigrationError("\(file) ends the transaction that it runs in: leave BEGIN and COMMIT out")
                }
                try await connection.batch([record, "COMMIT"])
            }
        } catch let error as PostgresError {
            let line = error.position.map { script.unicodeScalars.prefix($0 - 1).count { $0 == "\n" } + 1 }
            throw MigrationError("\(file)\(line.map { ", line \($0)" } ?? ""): \(error)", cause: error)
        }
    }
}
