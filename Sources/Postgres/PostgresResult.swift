import CLibPQ

/// Owns one PGresult: the only place that clears it.
// Sendable because libpq never changes a finished PGresult, and reading one from several threads is allowed.
final class ResultStorage: @unchecked Sendable {
    let handle: OpaquePointer
    let rows: Int
    let columns: Int

    init(_ handle: OpaquePointer) {
        self.handle = handle
        rows = Int(PQntuples(handle))
        columns = Int(PQnfields(handle))
    }

    deinit { PQclear(handle) }

    func columnName(_ column: Int) -> String { PQfname(handle, Int32(column)).map { String(cString: $0) } ?? "" }
}

/// The rows of a finished statement, all in memory.
public struct PostgresResult: Sendable, RandomAccessCollection {
    let storage: ResultStorage

    public var startIndex: Int { 0 }
    public var endIndex: Int { storage.rows }
    public subscript(index: Int) -> PostgresRow {
        precondition(index >= 0 && index < storage.rows, "row \(index) of \(storage.rows)")
        return PostgresRow(storage: storage, index: index)
    }

    /// The command as the server names it: SELECT, INSERT, COMMIT …
    public var command: String {
        PQcmdStatus(storage.handle).map { String(cString: $0).prefix { $0 != " " } }.map(String.init) ?? ""
    }

    /// Rows that INSERT, UPDATE, DELETE, SELECT or COPY touched, as the server counts them.
    public var affectedRows: Int {
        PQcmdTuples(storage.handle).flatMap { Int(String(cString: $0)) } ?? 0
    }
}

public struct PostgresRow: Sendable {
    let storage: ResultStorage
    let index: Int

    /// `let (id, name) = try row.decode(Int64.self, String?.self)`: the first columns, in order.
    /// Throws `PostgresError` (code `.decoding`) naming the column, its type and the wanted type.
    public func decode<each Value: PostgresDecodable>(_ types: repeat (each Value).Type) throws -> (repeat each Value) {
        var column = -1
        func next<Wanted: PostgresDecodable>(_ type: Wanted.Type) throws -> Wanted {
            column += 1
            return try decode(type, at: column)
        }
        return (repeat try next((each Value).self))
    }

    /// One column by its place, from 0. The quickest way to read many rows.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type = Value.self, at column: Int) throws -> Value {
        guard column < storage.columns else {
            throw PostgresError.decoding("the row has \(storage.columns) columns, not \(column + 1)")
        }
        return try Value(from: cell(column))
    }

    /// One column by name.
    public func decode<Value: PostgresDecodable>(_ type: Value.Type = Value.self, column: String) throws -> Value {
        let number = PQfnumber(storage.handle, "\"\(column)\"")
        guard number >= 0 else { throw PostgresError.decoding("the row has no column \"\(column)\"") }
        return try Value(from: cell(Int(number)))
    }

    private func cell(_ column: Int) -> PostgresCell { PostgresCell(storage: storage, row: index, index: column) }
}

/// One value of a row, or one element of an array in it.
public struct PostgresCell: Sendable {
    private enum Source {
        case result(ResultStorage, row: Int32, column: Int32)
        case element(column: String, oid: UInt32, bytes: [UInt8]?)
    }

    private let source: Source

    init(storage: ResultStorage, row: Int, index: Int) {
        source = .result(storage, row: Int32(row), column: Int32(index))
    }

    init(column: String, oid: UInt32, bytes: [UInt8]?) {
        source = .element(column: column, oid: oid, bytes: bytes)
    }

    /// The column's name.
    public var column: String {
        switch source {
        case .result(let storage, _, let column): storage.columnName(Int(column))
        case .element(let column, _, _): column
        }
    }

    /// The type's OID in pg_type.
    public var oid: UInt32 {
        switch source {
        case .result(let storage, _, let column): PQftype(storage.handle, column)
        case .element(_, let oid, _): oid
        }
    }

    public var isNull: Bool {
        switch source {
        case .result(let storage, let row, let column): PQgetisnull(storage.handle, row, column) == 1
        case .element(_, _, let bytes): bytes == nil
        }
    }

    /// The value in PostgreSQL's binary format, valid inside `body`. Throws when the value is NULL.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        switch source {
        case .result(let storage, let row, let column) where !isNull:
            let count = Int(PQgetlength(storage.handle, row, column))
            let start = PQgetvalue(storage.handle, row, column)
            return try withExtendedLifetime(storage) { try body(UnsafeRawBufferPointer(start: start, count: count)) }
        case .element(_, _, let bytes?):
            return try bytes.withUnsafeBytes(body)
        default:
            throw PostgresError.decoding("column \"\(column)\" is NULL: decode it as an Optional")
        }
    }

    func mismatch(_ wanted: Any.Type) -> PostgresError {
        .decoding("column \"\(column)\" of type OID \(oid) cannot be read as \(wanted)")
    }
}
