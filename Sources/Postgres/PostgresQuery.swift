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
            binds.append(PostgresBind(value))
            sql += "$\(binds.count)"
        }
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            binds.append(value.map { PostgresBind($0) } ?? PostgresBind(null: Value.self))
            sql += "$\(binds.count)"
        }
        public mutating func appendInterpolation(unsafe text: String) { sql += text }
    }
}

/// One typed parameter in PostgreSQL's binary format (nil bytes are NULL).
public struct PostgresBind: Sendable {
    public let oid: UInt32
    public let bytes: [UInt8]?
    public init<Value: PostgresEncodable>(_ value: Value) { fatalError("skeleton") }
    public init<Value: PostgresEncodable>(null type: Value.Type) { fatalError("skeleton") }
}

/// A Swift type with a PostgreSQL type and a binary form. Conforming: Bool, Int16, Int32, Int64, Int (bigint), Double,
/// String (text), [UInt8] (bytea), Date (timestamptz), UUID, JSON (jsonb), Duration (interval), and arrays of them.
public protocol PostgresEncodable: Sendable {
    static var postgresOID: UInt32 { get }
    static var postgresArrayOID: UInt32 { get }
    func encode(into bytes: inout [UInt8])
}

/// A Swift type that can be read from a PostgreSQL value. Conforming: the types of `PostgresEncodable`, and Optional.
/// A text-like column (enum, name, numeric, citext …) reads as String; int2 and int4 read as Int.
public protocol PostgresDecodable: Sendable {
    init(from cell: PostgresCell) throws
}
