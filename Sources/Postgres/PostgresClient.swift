public import Platform

public struct PostgresConfiguration: Sendable {
    /// A libpq connection string or URI; may name several hosts.
    public var connectionString: String
    public var applicationName: String = "operadora"
    public var maximumConnections: Int = 8
    public var acquireTimeout: Duration = .seconds(5)
    public var connectTimeout: Duration = .seconds(5)
    /// The server's statement_timeout for every statement; nil leaves the server's own.
    public var statementTimeout: Duration? = .seconds(30)
    public init(connectionString: String) { self.connectionString = connectionString }
}

/// A pool of connections that heals itself: a lost connection is replaced, with backoff.
public final class PostgresClient: Sendable {
    public let configuration: PostgresConfiguration
    /// Connects lazily: making a client never fails and never blocks.
    public init(_ configuration: PostgresConfiguration, logger: Logger) { fatalError("skeleton") }

    /// Runs one statement on any free connection, in its own transaction.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresResult { fatalError("skeleton") }

    /// Runs statements in one round trip and one implicit transaction: all or nothing.
    @discardableResult
    public func batch(_ queries: [PostgresQuery]) async throws -> [PostgresResult] { fatalError("skeleton") }

    /// Lends a connection for the length of `body`. It goes back clean: an open transaction is rolled back.
    public func withConnection<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result { fatalError("skeleton") }

    /// BEGIN, `body`, COMMIT; ROLLBACK when `body` throws or the task is cancelled. A connection error at COMMIT leaves the
    /// outcome unknown (`code == .connection`). Never retried by itself.
    public func withTransaction<Result: Sendable>(
        _ body: (PostgresConnection) async throws -> Result
    ) async throws -> Result { fatalError("skeleton") }

    /// Subscribes on one dedicated connection, resubscribed after a loss. The stream yields `.subscribed` first and after
    /// every reconnect (what was sent in between is lost: look at the tables), then notifications; it ends on `close()` or
    /// when its task is cancelled. It buffers the newest 10,000. A keep-alive query finds half-open sockets.
    public func listen(_ channels: [String]) -> AsyncStream<PostgresListenEvent> { fatalError("skeleton") }

    /// Waits for lent connections (at most `limit`), then closes all.
    public func close(within limit: Duration = .seconds(5)) async { fatalError("skeleton") }
}

public enum PostgresListenEvent: Sendable, Equatable {
    case subscribed
    case notification(channel: String, payload: String, processID: Int32)
}

/// One connection in pipeline mode. Concurrent calls are sent at once and answered in order.
public final class PostgresConnection: Sendable {
    init() { fatalError("skeleton") }
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresResult { fatalError("skeleton") }
    /// One round trip, one implicit transaction (unless one is open): all or nothing.
    @discardableResult
    public func batch(_ queries: [PostgresQuery]) async throws -> [PostgresResult] { fatalError("skeleton") }
    /// Runs text that may hold several statements separated by semicolons, without binds (migrations).
    public func executeScript(unsafe sql: String) async throws { fatalError("skeleton") }
    /// `COPY … FROM STDIN`: sends what `chunks` yields (the COPY text format unless the statement says otherwise) with
    /// backpressure. Returns rows copied. An error thrown by `chunks` fails the COPY and leaves nothing.
    public func copyIn(
        unsafe statement: String, from chunks: some AsyncSequence<[UInt8], any Error> & Sendable
    ) async throws -> Int { fatalError("skeleton") }
}
