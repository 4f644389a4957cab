/// What may stand in an array: every `PostgresEncodable`, an Optional of one, and UInt8, whose array is bytea.
public protocol PostgresArrayElement: Sendable {
    /// The OID of the array's type.
    static var postgresOIDOfArray: UInt32 { get }
    /// Writes a whole array in the binary format of that type.
    static func encode(array: [Self], into bytes: inout [UInt8])
}

extension PostgresArrayElement where Self: PostgresEncodable {
    public static var postgresOIDOfArray: UInt32 { postgresArrayOID }
    public static func encode(array: [Self], into bytes: inout [UInt8]) {
        ArrayFormat.encode(array, elementOID: postgresOID, into: &bytes)
    }
}

extension UInt8: PostgresArrayElement {
    public static var postgresOIDOfArray: UInt32 { TypeOID.bytea }
    public static func encode(array: [UInt8], into bytes: inout [UInt8]) { bytes.append(contentsOf: array) }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresEncodable {
    public static var postgresOIDOfArray: UInt32 { Wrapped.postgresArrayOID }
    public static func encode(array: [Wrapped?], into bytes: inout [UInt8]) {
        ArrayFormat.encode(array, elementOID: Wrapped.postgresOID, into: &bytes)
    }
}

/// Bytes are bytea; every other array is PostgreSQL's one-dimensional array of its element.
extension Array: PostgresEncodable, PostgresArrayElement where Element: PostgresArrayElement {
    public static var postgresOID: UInt32 { Element.postgresOIDOfArray }
    /// Only an array of bytea exists; PostgreSQL's arrays of arrays are another thing.
    public static var postgresArrayOID: UInt32 { 1001 }
    public func encode(into bytes: inout [UInt8]) { Element.encode(array: self, into: &bytes) }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public init(from cell: PostgresCell) throws {
        self = cell.isNull ? nil : .some(try Wrapped(from: cell))
    }
}

extension UInt8: PostgresDecodable {}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    /// An array column; for bytes a bytea, text or json column as it is.
    public init(from cell: PostgresCell) throws {
        if let bytes = try Element.self is UInt8.Type ? [UInt8](fromBytesOf: cell) as? Self : nil {
            self = bytes
        } else {
            self = try ArrayFormat.cells(of: cell).map { try Element(from: $0) }
        }
    }
}

/// The binary form of arrays: dimensions, a flag for NULLs, the element's OID, length, lower bound, elements.
enum ArrayFormat {
    static func encode<Element: PostgresEncodable>(_ array: [Element?], elementOID: UInt32, into bytes: inout [UInt8]) {
        bytes.append(bigEndian: Int32(array.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(array.contains { $0 == nil } ? 1 : 0))
        bytes.append(bigEndian: elementOID)
        guard !array.isEmpty else { return }
        bytes.append(bigEndian: Int32(array.count))
        bytes.append(bigEndian: Int32(1))
        for element in array { append(element, to: &bytes) }
    }

    private static func append<Element: PostgresEncodable>(_ element: Element?, to bytes: inout [UInt8]) {
        guard let element else { return bytes.append(bigEndian: Int32(-1)) }
        let start = bytes.count
        bytes.append(bigEndian: Int32(0))
        element.encode(into: &bytes)
        let length = Int32(bytes.count - start - 4).bigEndian
        Swift.withUnsafeBytes(of: length) { bytes.replaceSubrange(start..<start + 4, with: $0) }
    }

    /// The elements as cells of their own.
    static func cells(of cell: PostgresCell) throws -> [PostgresCell] {
        let column = cell.column
        let cells: [PostgresCell]? = try cell.withBytes { bytes in
            guard let dimensions: Int32 = bytes.integer(at: 0), let oid: UInt32 = bytes.integer(at: 8) else {
                return nil
            }
            if dimensions == 0 { return [] }
            guard dimensions == 1, let count: Int32 = bytes.integer(at: 12), count >= 0, Int(count) <= bytes.count
            else {
                return nil
            }
            return elements(in: bytes, count: Int(count), oid: oid, column: column)
        }
        guard let cells else { throw cell.mismatch(Array<Any>.self) }
        return cells
    }

    private static func elements(
        in bytes: UnsafeRawBufferPointer, count: Int, oid: UInt32, column: String
    ) -> [PostgresCell]? {
        var offset = 20
        var cells: [PostgresCell] = []
        for _ in 0..<count {
            guard let length: Int32 = bytes.integer(at: offset) else { return nil }
            offset += 4
            guard length >= 0 else {
                cells.append(PostgresCell(column: column, oid: oid, bytes: nil))
                continue
            }
            guard offset + Int(length) <= bytes.count else { return nil }
            cells.append(PostgresCell(column: column, oid: oid, bytes: Array(bytes[offset..<offset + Int(length)])))
            offset += Int(length)
        }
        return cells
    }
}
