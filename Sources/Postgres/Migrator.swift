public import Platform

/// Numbered migrations `NNN_name.up.sql` / `NNN_name.down.sql` from a directory, each in its own transaction, checksummed in
/// `schema_migrations`, under one advisory lock so that any number of processes may start at once.
public struct Migrator: Sendable {
    public struct Migration: Sendable {
        public let number: Int
        public let name: String
        public let checksum: String
    }
    public struct Status: Sendable {
        public let applied: [Migration]
        public let pending: [Migration]
    }
    /// Reads and checks the directory: gaps, duplicates and missing halves are errors that name the file.
    public init(directory: String, logger: Logger) throws { fatalError("skeleton") }
    /// Applies what is pending; refuses a schema whose applied migrations it does not know or whose checksums differ.
    public func up(_ client: PostgresClient) async throws -> [Migration] { fatalError("skeleton") }
    /// Reverts the newest `count` migrations.
    public func down(_ client: PostgresClient, count: Int = 1) async throws -> [Migration] { fatalError("skeleton") }
    public func status(_ client: PostgresClient) async throws -> Status { fatalError("skeleton") }
}
