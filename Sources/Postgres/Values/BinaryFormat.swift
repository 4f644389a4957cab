/// Big-endian integers, as PostgreSQL's binary formats write them.
extension [UInt8] {
    mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }
}

extension UnsafeRawBufferPointer {
    /// Reads an integer at `offset`, or nil when the bytes end before it does.
    func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self, at offset: Int = 0) -> Value? {
        guard offset >= 0, offset + MemoryLayout<Value>.size <= count else { return nil }
        return Value(bigEndian: loadUnaligned(fromByteOffset: offset, as: Value.self))
    }
}

/// OIDs of pg_type that the client reads and writes.
enum TypeOID {
    static let bool: UInt32 = 16
    static let bytea: UInt32 = 17
    static let int8: UInt32 = 20
    static let int2: UInt32 = 21
    static let int4: UInt32 = 23
    static let text: UInt32 = 25
    static let oid: UInt32 = 26
    static let float4: UInt32 = 700
    static let float8: UInt32 = 701
    static let date: UInt32 = 1082
    static let timestamp: UInt32 = 1114
    static let timestamptz: UInt32 = 1184
    static let interval: UInt32 = 1186
    static let numeric: UInt32 = 1700
    static let uuid: UInt32 = 2950
    static let jsonb: UInt32 = 3802
    static let json: UInt32 = 114
    /// Whose binary form is their text: "char", name, text, json, xml, unknown, bpchar, varchar, cstring, refcursor.
    private static let texts: Set<UInt32> = [18, 19, text, json, 142, 705, 1042, 1043, 2275, 1790]
    /// OIDs below this are PostgreSQL's own types. (FirstNormalObjectId in its source)
    private static let firstOfUser: UInt32 = 16_384

    /// Whether these bytes of this type are text. The types that users make have no fixed OID: enums and citext are text, whereas
    /// the binary forms of composite types, ranges and arrays contain zero bytes, which text cannot.
    static func isText(_ oid: UInt32, _ bytes: UnsafeRawBufferPointer) -> Bool {
        texts.contains(oid) || oid >= firstOfUser && !bytes.contains(0)
    }
}
