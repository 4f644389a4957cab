/// A statement and its binds. Interpolation can only bind: `"SELECT \(id)"` sends `$1`. Raw text is spelled
/// `\(unsafe: text)` and must never come from outside.
public struct PostgresQuery: Sendable, ExpressibleByStringInterpolation {
    public var sql: String
    public var binds: [PostgresBind]

    public init(unsafe sql: String, binds: [PostgresBind] = []) {
        self.sql = sql
        self.binds = binds
    }

    public init(stringLiteral value: String) { self.init(unsafe: value) }
    public init(stringInterpolation: StringInterpolation) {
        self.init(unsafe: stringInterpolation.sql, binds: stringInterpolation.binds)
    }

    public struct StringInterpolation: StringInterpolationProtocol {
        var sql = ""
        var binds: [PostgresBind] = []
        public init(literalCapacity: Int, interpolationCount: Int) { sql.reserveCapacity(literalCapacity) }
        public mutating func appendLiteral(_ literal: String) { sql += literal }
        public mutating func appendInterpolation(_ value: some PostgresEncodable) {
            append(PostgresBind(value))
        }
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            append(value.map { PostgresBind($0) } ?? PostgresBind(null: Value.self))
        }
        public mutating func appendInterpolation(unsafe text: String) { sql += text }

        private mutating func append(_ bind: PostgresBind) {
            binds.append(bind)
            sql += "$\(binds.count)"
        }
    }
}

extension PostgresQuery {
    /// Why it cannot be sent, found before it is: libpq and the protocol have limits, which would cost the connection.
    var refusal: PostgresError? {
        if binds.count > 65_535 {
            return refusal("54023", "the statement has \(binds.count) binds, 65535 are possible: bind an array instead")
        }
        // PostgreSQL's own limit for a value and a message.
        if binds.reduce(0, { $0 + ($1.bytes?.count ?? 0) }) > 1 << 30 {
            return refusal("54000", "the statement's binds are larger than 1 GiB together")
        }
        return sql.utf8.contains(0) ? refusal("42601", "the statement's text contains a zero byte") : nil
    }

    private func refusal(_ sqlState: String, _ message: String) -> PostgresError {
        var error = PostgresError(.server, message)
        error.sqlState = sqlState
        error.sql = sql
        return error
    }
}

/// One typed parameter in PostgreSQL's binary format (nil bytes are NULL).
public struct PostgresBind: Sendable {
    public let oid: UInt32
    public let bytes: [UInt8]?

    public init<Value: PostgresEncodable>(_ value: Value) {
        oid = Value.postgresOID
        var bytes: [UInt8] = []
        value.encode(into: &bytes)
        self.bytes = bytes
    }

    public init<Value: PostgresEncodable>(null type: Value.Type) {
        oid = Value.postgresOID
        bytes = nil
    }
}

/// A Swift type with a PostgreSQL type and a binary form: Bool, Int16, Int32, Int64, Int (bigint), Float, Double, String (text),
/// [UInt8] (bytea), Date (timestamptz), UUID, JSON (jsonb), Duration (interval), and arrays of them.
public protocol PostgresEncodable: PostgresArrayElement {
    /// The type's OID in pg_type.
    static var postgresOID: UInt32 { get }
    /// The OID of the type's array.
    static var postgresArrayOID: UInt32 { get }
    func encode(into bytes: inout [UInt8])
}

/// A Swift type that can be read from a PostgreSQL value: the types of `PostgresEncodable`, and Optional. A text-like column
/// (enum, name, numeric, json …) reads as String; int2 and int4 read as Int.
public protocol PostgresDecodable: Sendable {
    init(from cell: PostgresCell) throws
}
