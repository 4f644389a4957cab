extension Bool: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.bool }
    public static var postgresArrayOID: UInt32 { 1000 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }
    public init(from cell: PostgresCell) throws {
        guard cell.oid == TypeOID.bool else { throw cell.mismatch(Bool.self) }
        self = try cell.withBytes { $0.first == 1 }
    }
}

extension Int16: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.int2 }
    public static var postgresArrayOID: UInt32 { 1005 }
}

extension Int32: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.int4 }
    public static var postgresArrayOID: UInt32 { 1007 }
}

extension Int64: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.int8 }
    public static var postgresArrayOID: UInt32 { 1016 }
}

/// An Int is a bigint.
extension Int: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.int8 }
    public static var postgresArrayOID: UInt32 { 1016 }
}

extension PostgresEncodable where Self: FixedWidthInteger {
    public func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: self) }
}

extension PostgresDecodable where Self: FixedWidthInteger {
    /// Any integer column reads as any integer type that holds its value.
    public init(from cell: PostgresCell) throws {
        let value: Int64? = try cell.withBytes { bytes in
            switch cell.oid {
            case TypeOID.int2: bytes.integer(Int16.self).map { Int64($0) }
            case TypeOID.int4: bytes.integer(Int32.self).map { Int64($0) }
            case TypeOID.oid: bytes.integer(UInt32.self).map { Int64($0) }
            case TypeOID.int8: bytes.integer(Int64.self)
            default: nil
            }
        }
        guard let value, let exact = Self(exactly: value) else { throw cell.mismatch(Self.self) }
        self = exact
    }
}

extension Float: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.float4 }
    public static var postgresArrayOID: UInt32 { 1021 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: bitPattern) }
    public init(from cell: PostgresCell) throws { self = Float(try Double(from: cell)) }
}

extension Double: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.float8 }
    public static var postgresArrayOID: UInt32 { 1022 }
    public func encode(into bytes: inout [UInt8]) { bytes.append(bigEndian: bitPattern) }

    /// Any number reads as Double, numeric with the loss that this means.
    public init(from cell: PostgresCell) throws {
        let value: Double? = try cell.withBytes { bytes in
            switch cell.oid {
            case TypeOID.float4: bytes.integer(UInt32.self).map { Double(Float(bitPattern: $0)) }
            case TypeOID.float8: bytes.integer(UInt64.self).map { Double(bitPattern: $0) }
            case TypeOID.int2: bytes.integer(Int16.self).map { Double($0) }
            case TypeOID.int4: bytes.integer(Int32.self).map { Double($0) }
            case TypeOID.int8: bytes.integer(Int64.self).map { Double($0) }
            case TypeOID.numeric: Numeric.text(bytes).flatMap { Double($0) }
            default: nil
            }
        }
        guard let value else { throw cell.mismatch(Double.self) }
        self = value
    }
}

/// The binary form of numeric: digits in base 10,000.
enum Numeric {
    /// Its decimal text, as the server would print it; nil when the bytes are not a numeric.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        guard let count: Int16 = bytes.integer(at: 0), let weight: Int16 = bytes.integer(at: 2),
            let sign: UInt16 = bytes.integer(at: 4), let scale: Int16 = bytes.integer(at: 6),
            bytes.count == 8 + 2 * Int(count)
        else { return nil }
        switch sign {
        case 0xC000: return "NaN"
        case 0xD000: return "Infinity"
        case 0xF000: return "-Infinity"
        default: break
        }
        func group(_ position: Int) -> String {
            let index = Int(weight) - position
            let value: Int16 = (0..<Int(count)).contains(index) ? bytes.integer(at: 8 + 2 * index) ?? 0 : 0
            return String(repeating: "0", count: 4 - String(value).count) + String(value)
        }
        let whole = weight < 0 ? "0" : stride(from: Int(weight), through: 0, by: -1).map(group).joined()
        var fraction = ""
        var position = -1
        while fraction.count < scale {
            fraction += group(position)
            position -= 1
        }
        let trimmed = whole.drop { $0 == "0" }
        return (sign == 0x4000 ? "-" : "") + (trimmed.isEmpty ? "0" : String(trimmed))
            + (scale > 0 ? "." + fraction.prefix(Int(scale)) : "")
    }
}
