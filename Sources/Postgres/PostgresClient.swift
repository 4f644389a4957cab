public import Platform
import Synchronization

public struct PostgresConfiguration: Sendable {
    /// A libpq connection string or URI; may name several hosts.
    public var connectionString: String
    public var applicationName: String = "operadora"
    public var maximumConnections: Int = 8
    /// How long a task waits for a free connection, or for the server to come back.
    public var acquireTimeout: Duration = .seconds(5)
    /// For all hosts together: each has an equal share before the next one is tried.
    public var connectTimeout: Duration = .seconds(5)
    /// The server's statement_timeout for every statement; nil leaves the server's own. A connection without an answer for five
    /// seconds longer (twice the time, if that is less) counts as lost: transactions whose statements take longer call
    /// `liftStatementTimeout`.
    public var statementTimeout: Duration? = .seconds(30)
    /// The server's lock_timeout: how long a statement waits for a lock that another transaction holds, then fails with SQLSTATE
    /// 55P03. Nil leaves the server's own.
    public var lockTimeout: Duration?
    /// How many statements a connection keeps prepared; 0 prepares none.
    public var statementCacheSize: Int = 256
    /// The connection string leads to a pooler that lends a server's connection for the length of a transaction, such as
    /// PgBouncer with `pool_mode=transaction`. Nothing is asked of the session then: no statement is prepared,
    /// `statementTimeout` and `lockTimeout` are not set (set them by ALTER ROLE), and `listen` ends at once.
    public var usesTransactionPooler = false
    /// An idle connection is asked for a sign of life after this long: a half-open one is found before it is needed.
    public var idleCheck: Duration = .seconds(30)
    /// A connection that has been idle for so long is closed.
    public var idleTimeout: Duration = .seconds(300)
    /// A connection of this age is replaced when it comes back.
    public var maximumLifetime: Duration = .seconds(3_600)

    public init(connectionString: String) { self.connectionString = connectionString }

    /// The server's own limit would have brought an answer, if only an error, by then: without one the connection is half-open.
    var answerLimit: Duration? { statementTimeout.map { $0 + min($0, .seconds(5)) } }
}

/// A pool of connections that heals itself: a lost connection is replaced, with backoff.
public final class PostgresClient: Sendable {
    public let configuration: PostgresConfiguration
    private let loop: EventLoop
    private let pool: ConnectionPool
    private let listeners = Listeners()

    /// Connects lazily: making a client never fails and never blocks.
    public init(_ configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        loop = EventLoop()
        pool = ConnectionPool(configuration, connector: Connector(configuration, loop: loop, logger: logger))
    }

    deinit {
        listeners.close()
        loop.stop()
    }

    /// Runs one statement on any free connection, in its own transaction.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresResult {
        try await withConnection { try await $0.query(query) }
    }

    /// The same for a statement that is always quick: without an answer for `limit`, its connection counts as lost.
    @discardableResult
    public func query(_ query: PostgresQuery, within limit: Duration) async throws -> PostgresResult {
        try await withConnection { connection in
            let timer = Task {
                try await Task.sleep(for: limit)
                connection.abandon(PostgresError(.connection, "the server has not answered for \(limit)"))
            }
            defer { timer.cancel() }
            return try await connection.query(query)
        }
    }

    /// Runs statements in one round trip and one implicit transaction: all or nothing.
    @discardableResult
    public func batch(_ queries: [PostgresQuery]) async throws -> [PostgresResult] {
        try await withConnection { try await $0.batch(queries) }
    }

    /// Lends a connection for the length of `body`, and no longer. It goes back clean: an open transaction is rolled back. What
    /// `body` changes in the session by SET stays: use SET LOCAL.
    public func withConnection<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        let connection = try await pool.acquire()
        defer { pool.release(connection) }
        return try await body(connection)
    }

    /// BEGIN, `body`, COMMIT; ROLLBACK when `body` throws or the task is cancelled. BEGIN travels with the first statement. A
    /// connection error at COMMIT leaves the outcome unknown (`code == .connection`). Never retried by itself.
    public func withTransaction<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result {
        try await withConnection { try await $0.withTransaction(body) }
    }

    /// Subscribes on one dedicated connection, which does not count for the pool, and again after a loss. The stream yields
    /// `.subscribed` first and after every reconnect (what was sent in between is lost: look at the tables), then notifications;
    /// it ends when the client is closed, or its reader is cancelled or lets go of it. It buffers the newest 10,000. Behind a
    /// transaction pooler it ends at once, without `.subscribed`.
    ///
    /// - Parameter keepAlive: how often the server is asked for a sign of life, and how long it may take to answer: a half-open
    ///   socket is found within twice this time.
    public func listen(_ channels: [String], keepAlive: Duration = .seconds(10)) -> AsyncStream<PostgresListenEvent> {
        let (stream, events) = AsyncStream.makeStream(
            of: PostgresListenEvent.self, bufferingPolicy: .bufferingNewest(10_000))
        subscribe(channels, keepAlive, until: events) { events.yield($0) }
        return stream
    }

    /// The same for whoever is in a hurry: until the task is cancelled or the client is closed. Notifications come on the
    /// thread of the client's sockets, which `onEvent` must not hold up.
    public func listen(
        _ channels: [String], keepAlive: Duration = .seconds(10),
        onEvent: @escaping @Sendable (PostgresListenEvent) -> Void
    ) async {
        let (ends, end) = AsyncStream.makeStream(of: Never.self, bufferingPolicy: .bufferingNewest(1))
        subscribe(channels, keepAlive, until: end, onEvent)
        for await _ in ends {}
    }

    private func subscribe<Event>(
        _ channels: [String], _ keepAlive: Duration, until end: AsyncStream<Event>.Continuation,
        _ onEvent: @escaping @Sendable (PostgresListenEvent) -> Void
    ) {
        guard !configuration.usesTransactionPooler else { return end.finish() }
        let subscription = Subscription(
            connector: pool.connector, channels: channels, keepAlive: keepAlive, onEvent: onEvent)
        // The client owns the loop's thread, so it must outlive the subscription.
        listeners.start(end) { [self] in
            await subscription.run()
            withExtendedLifetime(self) {}
        }
    }

    /// Waits for lent connections (at most `limit`), then closes all, subscriptions too.
    public func close(within limit: Duration = .seconds(5)) async {
        listeners.close()
        await pool.close(within: limit)
    }
}
