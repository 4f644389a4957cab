public import Platform

public struct PostgresConfiguration: Sendable {
    /// A libpq connection string or URI; may name several hosts.
    public var connectionString: String
    public var applicationName: String = "operadora"
    public var maximumConnections: Int = 8
    /// How long a task waits for a free connection.
    public var acquireTimeout: Duration = .seconds(5)
    /// For each host, whole seconds, at least 2.
    public var connectTimeout: Duration = .seconds(5)
    /// The server's statement_timeout for every statement; nil leaves the server's own.
    public var statementTimeout: Duration? = .seconds(30)

    public init(connectionString: String) { self.connectionString = connectionString }
}

/// A pool of connections that heals itself: a lost connection is replaced, with backoff.
public final class PostgresClient: Sendable {
    public let configuration: PostgresConfiguration
    private let pool: ConnectionPool
    private let logger: Logger

    /// Connects lazily: making a client never fails and never blocks.
    public init(_ configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        pool = ConnectionPool(configuration, logger: logger)
    }

    /// Runs one statement on any free connection, in its own transaction.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresResult {
        try await withConnection { try await $0.query(query) }
    }

    /// Runs statements in one round trip and one implicit transaction: all or nothing.
    @discardableResult
    public func batch(_ queries: [PostgresQuery]) async throws -> [PostgresResult] {
        try await withConnection { try await $0.batch(queries) }
    }

    /// Lends a connection for the length of `body`. It goes back clean: an open transaction is rolled back.
    public func withConnection<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await pool.acquire()
        defer { pool.release(connection) }
        do {
            return try await body(connection)
        } catch let error as PostgresError where error.isServerUnfit {
            connection.close(error)
            throw error
        }
    }

    /// BEGIN, `body`, COMMIT; ROLLBACK when `body` throws or the task is cancelled. A connection error at COMMIT leaves the
    /// outcome unknown (`code == .connection`). Never retried by itself.
    public func withTransaction<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await withConnection { connection in
            // The pool rolls back what is left open.
            try await connection.query("BEGIN")
            let result = try await body(connection)
            try Task.checkCancellation()
            try await connection.query("COMMIT")
            return result
        }
    }

    /// Subscribes on one dedicated connection, resubscribed after a loss. The stream yields `.subscribed` first and after
    /// every reconnect (what was sent in between is lost: look at the tables), then notifications; it ends when its task is
    /// cancelled or the stream is let go of. It buffers the newest 10,000. A keep-alive query finds half-open sockets.
    public func listen(
        _ channels: [String], keepAlive: Duration = .seconds(10)
    ) -> AsyncStream<PostgresListenEvent> {
        Listener(
            connector: Connector(configuration: configuration), loop: pool.loop, channels: channels,
            keepAlive: keepAlive, logger: logger
        ).events(keeping: self)
    }

    /// Waits for lent connections (at most `limit`), then closes all.
    public func close(within limit: Duration = .seconds(5)) async {
        pool.close()
        let deadline = ContinuousClock.now + limit
        while !pool.isDrained, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(5)) }
    }
}

extension PostgresError {
    /// A standby where a primary was wanted, or a server that is going away: the next attempt should go elsewhere.
    fileprivate var isServerUnfit: Bool {
        sqlState.map { $0 == "25006" || $0.hasPrefix("57P0") } ?? false
    }
}
