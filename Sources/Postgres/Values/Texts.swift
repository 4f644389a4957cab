public import FoundationEssentials
public import Platform

extension String: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.text }
    public static var postgresArrayOID: UInt32 { 1009 }

    /// PostgreSQL's text cannot hold U+0000: it is sent as U+FFFD, so that hostile input is stored rather than refused.
    public func encode(into bytes: inout [UInt8]) {
        if utf8.contains(0) {
            for scalar in unicodeScalars {
                bytes.append(contentsOf: (scalar.value == 0 ? "\u{FFFD}" : scalar).utf8Bytes)
            }
        } else {
            bytes.append(contentsOf: utf8)
        }
    }

    /// Text-like columns and enums as they are, jsonb as its text, numeric as its digits, uuid in its usual form. Every other
    /// type is an error: cast it (`value::text`).
    public init(from cell: PostgresCell) throws {
        switch cell.oid {
        case TypeOID.jsonb: self = try cell.withBytes { String(decoding: $0.dropFirst(), as: UTF8.self) }
        case TypeOID.numeric:
            guard let text = try cell.withBytes(Numeric.text) else { throw cell.mismatch(String.self) }
            self = text
        case TypeOID.uuid: self = try UUID(from: cell).uuidString.lowercased()
        default: self = String(decoding: try cell.textBytes(as: String.self), as: UTF8.self)
        }
    }
}

extension Unicode.Scalar {
    fileprivate var utf8Bytes: Unicode.UTF8.EncodedScalar {
        Unicode.UTF8.encode(self) ?? Unicode.UTF8.encodedReplacementCharacter
    }
}

extension PostgresCell {
    /// Throws for a column that is not text-like.
    fileprivate func textBytes(as wanted: Any.Type) throws -> [UInt8] {
        let bytes = try withBytes { TypeOID.isText(oid, $0) ? Array($0) : nil }
        guard let bytes else { throw mismatch(wanted) }
        return bytes
    }

    /// Those of a bytea, or of the UTF-8 text of a text-like, json or jsonb column.
    fileprivate func withContent<Result>(
        as wanted: Any.Type, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        let oid = oid
        return try withBytes { bytes in
            // One byte before the text: the version of the format.
            if oid == TypeOID.jsonb { return try body(UnsafeRawBufferPointer(rebasing: bytes.dropFirst())) }
            guard oid == TypeOID.bytea || TypeOID.isText(oid, bytes) else { throw mismatch(wanted) }
            return try body(bytes)
        }
    }
}

extension [UInt8] {
    init(fromBytesOf cell: PostgresCell) throws { self = try cell.withContent(as: [UInt8].self) { Array($0) } }
}

extension Data: PostgresDecodable {
    /// A bytea; or the UTF-8 text of a text-like, json or jsonb column.
    public init(from cell: PostgresCell) throws {
        self = try cell.withContent(as: Data.self) { $0.isEmpty ? Data() : Data($0) }
    }
}

extension JSON: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.jsonb }
    public static var postgresArrayOID: UInt32 { 3807 }

    public func encode(into bytes: inout [UInt8]) {
        bytes.append(1)
        bytes.append(contentsOf: data)
    }

    /// A json or jsonb column.
    public init(from cell: PostgresCell) throws {
        let bytes = try [UInt8](fromBytesOf: cell)
        guard let value = try? JSON(parsing: bytes) else { throw cell.mismatch(JSON.self) }
        self = value
    }
}

extension JSON {
    /// Without the character NUL, which jsonb cannot hold and a person, a model or a tool may well produce.
    public var storable: JSON {
        switch self {
        case .string(let text): .string(text.replacing("\0", with: ""))
        case .array(let elements): .array(elements.map(\.storable))
        case .object(let members):
            .object(
                Dictionary(
                    members.map { ($0.key.replacing("\0", with: ""), $0.value.storable) }, uniquingKeysWith: { $1 }))
        case .null, .bool, .integer, .number: self
        }
    }
}

extension UUID: PostgresEncodable, PostgresDecodable {
    public static var postgresOID: UInt32 { TypeOID.uuid }
    public static var postgresArrayOID: UInt32 { 2951 }
    public func encode(into bytes: inout [UInt8]) { withUnsafeBytes(of: uuid) { bytes.append(contentsOf: $0) } }
    public init(from cell: PostgresCell) throws {
        let value: UUID? = try cell.withBytes { bytes in
            bytes.count == 16 ? UUID(uuid: bytes.loadUnaligned(as: uuid_t.self)) : nil
        }
        guard cell.oid == TypeOID.uuid, let value else { throw cell.mismatch(UUID.self) }
        self = value
    }
}
