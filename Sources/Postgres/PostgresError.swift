/// What went wrong. `description` is safe to log: it holds no bind values and no secrets.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// The server refused a statement; see `sqlState`, `constraint`, `position`.
        case server
        /// The connection could not be made or was lost: the statement may or may not have happened.
        case connection
        /// No connection became free within the pool's acquire limit.
        case poolTimeout
        /// The task was cancelled, and with it the query on the server.
        case cancelled
        /// A value could not be read as the wanted type.
        case decoding
        /// The pool or connection was closed.
        case closed
    }
    public var code: Code
    public var message: String
    /// Five characters, e.g. "23505" (unique violation).
    public var sqlState: String?
    public var detail: String?
    public var hint: String?
    public var schema: String?
    public var table: String?
    public var column: String?
    public var constraint: String?
    /// Character position in the statement, from 1.
    public var position: Int?
    public var sql: String?

    public var description: String { fatalError("skeleton") }
    /// Whether the same work may succeed when done again: connection loss, serialization failure, deadlock, shutdown.
    public var isTransient: Bool { fatalError("skeleton") }
}
