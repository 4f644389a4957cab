import CLibPQ

/// What went wrong. `description` is safe to log: it holds no bind values and no secrets.
public struct PostgresError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable {
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
    /// May hold values: not in `description`.
    public var detail: String?
    public var hint: String?
    public var schema: String?
    public var table: String?
    public var column: String?
    public var constraint: String?
    /// Character position in the statement, from 1.
    public var position: Int?
    /// The statement as sent, with `$1` where values were.
    public var sql: String?

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String {
        var text = "PostgreSQL: \(message)"
        if let sqlState { text += " [\(sqlState)]" }
        if let constraint { text += " constraint=\(constraint)" }
        if let table { text += " table=\(table)" }
        if let column { text += " column=\(column)" }
        if let hint { text += " hint: \(hint)" }
        if let sql { text += " in: " + Self.excerpt(of: sql, at: position) }
        return text
    }

    /// Whether the same work may succeed when done again: connection loss, serialization failure, deadlock, shutdown,
    /// a standby where a primary was wanted.
    public var isTransient: Bool {
        if code == .connection || code == .poolTimeout { return true }
        guard let sqlState else { return false }
        return ["40001", "40P01", "25006", "53300", "55P03"].contains(sqlState)
            || sqlState.hasPrefix("57P0") || sqlState.hasPrefix("08")
    }

    static func decoding(_ message: String) -> PostgresError { PostgresError(.decoding, message) }

    /// The statement around the position, on one line.
    private static func excerpt(of sql: String, at position: Int?) -> String {
        let start = max(0, (position ?? 1) - 40)
        let part = sql.dropFirst(start).prefix(160).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return (start > 0 ? "…" : "") + part
    }
}

extension PostgresError {
    /// From a PGresult of status PGRES_FATAL_ERROR.
    init(result: OpaquePointer, sql: String?) {
        func field(_ letter: Character) -> String? {
            PQresultErrorField(result, Int32(letter.asciiValue ?? 0)).map { String(cString: $0) }
        }
        let state = field("C")
        // libpq reports a lost connection as a result without SQLSTATE.
        self.init(state == nil ? .connection : .server, field("M") ?? Self.line(PQresultErrorMessage(result)))
        sqlState = state
        detail = field("D")
        hint = field("H")
        schema = field("s")
        table = field("t")
        column = field("c")
        constraint = field("n")
        position = field("P").flatMap { Int($0) }
        self.sql = sql
    }

    /// From the connection's own error message. libpq keeps passwords out of it.
    init(connection: OpaquePointer?) {
        self.init(.connection, Self.line(PQerrorMessage(connection)))
    }

    private static func line(_ text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "no message" }
        let words = String(cString: text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.isEmpty ? "the connection was lost" : words
    }
}
