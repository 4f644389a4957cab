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
    /// The server's or libpq's own words. May quote a value (SQLSTATE class 22): log `description` instead.
    public var message: String
    /// Five characters, e.g. "23505" (unique violation). The server's refusal to let us in has one too.
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
    /// The function in the server's source: tells apart what shares an SQLSTATE, in every language.
    var routine: String?
    /// Nothing about it can change by itself: the connection string is wrong.
    var isPermanent = false

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String {
        var text = "PostgreSQL: \(messageWithoutValues)"
        if let sqlState { text += " [\(sqlState)]" }
        if let constraint { text += " constraint=\(constraint)" }
        if let table { text += " table=\(table)" }
        if let column { text += " column=\(column)" }
        if let hint { text += " hint: \(hint)" }
        if let sql { text += " in: " + Self.excerpt(of: sql, at: position) }
        return text
    }

    /// Whether the same work may succeed when done again: connection loss, serialization failure, deadlock, shutdown,
    /// a standby where a primary was wanted, a table that was changed meanwhile, a server that has run out of space or memory. Not
    /// when the server refuses to let us in.
    public var isTransient: Bool {
        if code == .connection { return !isRefusalForGood }
        if code == .poolTimeout || isAboutPreparedStatement { return true }
        guard let sqlState else { return false }
        return ["40001", "40P01", "25006", "55P03"].contains(sqlState)
            || ["57P0", "08", "53", "58"].contains { sqlState.hasPrefix($0) }
    }

    /// Whether the values sent are what the server refuses: malformed, against a constraint, or more than it can hold.
    public var isAboutValues: Bool {
        ["22", "23", "54"].contains { sqlState?.hasPrefix($0) == true }
    }

    /// The server does not know us, or not this database: waiting does not help.
    var isRefusalForGood: Bool {
        isPermanent || sqlState.map { $0.hasPrefix("28") || $0 == "3D000" || $0 == "42501" } ?? false
    }

    /// A prepared statement is gone (26000), or a table that it reads has changed (one of the reasons of 0A000).
    var isAboutPreparedStatement: Bool {
        sqlState == "26000" || sqlState == "0A000" && routine == "RevalidateCachedQuery"
    }

    static func decoding(_ message: String) -> PostgresError { PostgresError(.decoding, message) }

    /// Class 22 is about bad data, which its messages quote: `invalid input syntax for type integer: "…"`.
    private var messageWithoutValues: String {
        guard sqlState?.hasPrefix("22") == true else { return message }
        let parts = message.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.count < 3 ? message : "\(parts[0])\"…\"\(parts[parts.count - 1])"
    }

    /// The statement around the position, on one line.
    private static func excerpt(of sql: String, at position: Int?) -> String {
        let start = max(0, (position ?? 1) - 40)
        let part = sql.dropFirst(start).prefix(160).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return (start > 0 ? "…" : "") + part
    }
}

extension PostgresError {
    /// From a PGresult of status PGRES_FATAL_ERROR. The letters are those of the protocol's error fields.
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
        routine = field("R")
        self.sql = sql
    }

    /// From the connection's own error message. libpq keeps passwords out of it.
    init(connection: OpaquePointer?) {
        self.init(.connection, Self.line(PQerrorMessage(connection)))
    }

    /// From a failed attempt to connect, made with verbose errors: nothing else tells the SQLSTATE of the server's refusal. With
    /// several hosts there is a refusal for each; the SQLSTATE is that of the last one, and only when each has one.
    init(failedAttempt text: String) {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }
        var states: [String] = []
        let words = lines.map { line in
            var parts = line.split(separator: ":", omittingEmptySubsequences: false)
            // "… failed: FATAL:  28P01: password authentication failed …"
            guard let index = parts.firstIndex(where: Self.isState) else { return String(line) }
            states.append(parts.remove(at: index).trimmed)
            return parts.joined(separator: ":")
        }
        self.init(.connection, words.joined(separator: " ").split(separator: " ").joined(separator: " "))
        let failures = lines.count { $0.contains("failed:") }
        if !states.isEmpty, states.count >= failures { sqlState = states.last }
    }

    private static func isState(_ part: Substring) -> Bool {
        part.hasPrefix("  ") && part.count == 7
            && part.dropFirst(2).utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
    }

    private static func line(_ text: UnsafePointer<CChar>?) -> String {
        guard let text else { return "no message" }
        let words = String(cString: text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return words.isEmpty ? "the connection was lost" : words
    }
}

extension Substring {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
