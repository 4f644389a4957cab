import FoundationEssentials
import Platform

/// A type whose schema is known without decoding it.
protocol PlainlyDescribed {
    static var sample: Self { get }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) throws(JSONSchemaError) -> JSON
}

extension PlainlyDescribed where Self: FixedWidthInteger {
    static var sample: Self { 0 }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON {
        var schema: [String: JSON] = ["type": "integer"]
        if !isSigned || bitWidth < 64 { schema["minimum"] = .integer(Int64(min)) }
        if bitWidth < 64 { schema["maximum"] = .integer(Int64(max)) }
        return .object(schema)
    }
}

extension PlainlyDescribed where Self: BinaryFloatingPoint {
    static var sample: Self { 0 }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON { ["type": "number"] }
}

extension Int: PlainlyDescribed {}
extension Int8: PlainlyDescribed {}
extension Int16: PlainlyDescribed {}
extension Int32: PlainlyDescribed {}
extension Int64: PlainlyDescribed {}
extension UInt: PlainlyDescribed {}
extension UInt8: PlainlyDescribed {}
extension UInt16: PlainlyDescribed {}
extension UInt32: PlainlyDescribed {}
extension UInt64: PlainlyDescribed {}
extension Double: PlainlyDescribed {}
extension Float: PlainlyDescribed {}

extension Bool: PlainlyDescribed {
    static var sample: Bool { false }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON { ["type": "boolean"] }
}

extension String: PlainlyDescribed {
    static var sample: String { "" }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON { ["type": "string"] }
}

/// ISO 8601, as `JSON.decode` reads it.
extension Date: PlainlyDescribed {
    static var sample: Date { Date(timeIntervalSince1970: 0) }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON {
        ["type": "string", "format": "date-time"]
    }
}

extension UUID: PlainlyDescribed {
    static var sample: UUID { UUID() }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON {
        ["type": "string", "format": "uuid"]
    }
}

extension URL: PlainlyDescribed {
    static var sample: URL { URL(filePath: "/") }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON {
        ["type": "string", "format": "uri"]
    }
}

extension Decimal: PlainlyDescribed {
    static var sample: Decimal { 0 }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON { ["type": "number"] }
}

/// Anything.
extension JSON: PlainlyDescribed {
    static var sample: JSON { .null }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) -> JSON { [:] }
}

extension Optional: PlainlyDescribed where Wrapped: Decodable {
    static var sample: Wrapped? { nil }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) throws(JSONSchemaError) -> JSON {
        try derivation.derive(Wrapped.self, at: place, depth: depth + 1).schema.orNull
    }
}

extension Array: PlainlyDescribed where Element: Decodable {
    static var sample: [Element] { [] }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) throws(JSONSchemaError) -> JSON {
        ["type": "array", "items": try derivation.derive(Element.self, at: "\(place)[]", depth: depth + 1).schema]
    }
}

extension Set: PlainlyDescribed where Element: Decodable {
    static var sample: Set<Element> { [] }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) throws(JSONSchemaError) -> JSON {
        try [Element].schema(derivation, at: place, depth: depth)
    }
}

extension Dictionary: PlainlyDescribed where Key == String, Value: Decodable {
    static var sample: [String: Value] { [:] }
    static func schema(_ derivation: SchemaDerivation, at place: String, depth: Int) throws(JSONSchemaError) -> JSON {
        [
            "type": "object",
            "additionalProperties": try derivation.derive(Value.self, at: "\(place).*", depth: depth + 1).schema,
        ]
    }
}
