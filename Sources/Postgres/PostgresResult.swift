/// The rows of a finished statement, all in memory.
public struct PostgresResult: Sendable, RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { fatalError("skeleton") }
    public subscript(index: Int) -> PostgresRow { fatalError("skeleton") }
    /// Rows that INSERT, UPDATE, DELETE, SELECT or COPY touched, as the server counts them.
    public var affectedRows: Int { fatalError("skeleton") }
}

public struct PostgresRow: Sendable {
    /// `let (id, name) = try row.decode(Int64.self, String?.self)`: the first columns, in order.
    /// Throws `PostgresError` (code `.decoding`) naming the column, its type and the wanted type.
    public func decode<each Value: PostgresDecodable>(_ types: repeat (each Value).Type) throws -> (repeat each Value) {
        fatalError("skeleton")
    }
    /// One column by name.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type = Value.self, column: String) throws -> Value {
        fatalError("skeleton")
    }
}

/// One value of a row: its column's name, type OID, format and bytes (nil is NULL).
public struct PostgresCell: Sendable {
    public let column: String
    public let oid: UInt32
    public let isBinary: Bool
    public let bytes: [UInt8]?
}
