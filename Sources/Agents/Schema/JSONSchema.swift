public import Platform

/// A JSON Schema (draft 2020-12) in the subset that tools and structured answers use: `type` (also as an array),
/// `properties`, `required`, `additionalProperties`, `items`, `enum`, `const`, the minimum and maximum of numbers, lengths
/// and counts, `pattern`, `format` (date-time, date, email), `anyOf`, `oneOf`, `allOf`, `$ref` within the document.
///
/// Annotations such as `title` and `description`, and formats of other names, assert nothing, as the standard says. Any
/// other keyword is refused when the schema is made: a check that is silently not done would be worse.
public struct JSONSchema: Sendable, Hashable {
    public let root: JSON

    /// Throws `JSONSchemaError` naming the place of the first mistake in the schema itself.
    public init(_ root: JSON) throws(JSONSchemaError) {
        self.root = root
        try check(root, at: "#", depth: 0)
    }

    /// The schema of what `type` decodes from, derived from its `Decodable` conformance: properties with their types, what is
    /// optional, nested types, arrays, dictionaries and enumerations (`String` or `Int` raw values, `CaseIterable`). Other
    /// members than those are not allowed. `DescribedProperties` adds descriptions and limits.
    ///
    /// - Parameter isStrict: as OpenAI wants it of structured output: every property required, optional ones nullable.
    ///
    /// Throws `JSONSchemaError` naming the place that a schema cannot be derived of: an enumeration without `CaseIterable`,
    /// a type within itself, an `init(from:)` that does not decode by keys or refuses empty values. Give those a schema.
    public init<Value: Decodable>(of type: Value.Type, isStrict: Bool = false) throws(JSONSchemaError) {
        let derivation = SchemaDerivation(isStrict: isStrict)
        try self.init(derivation.derive(type, at: "\(type)", depth: 0).schema)
    }

    /// What is wrong with `value`, at most 20 entries; empty when it satisfies the schema.
    ///
    /// - Parameter name: what the value is called in the paths, e.g. `arguments` for `arguments.guests[0].email`.
    public func violations(of value: JSON, at name: String = "value") -> [SchemaViolation] {
        var validation = JSONSchemaValidation(root: root)
        validation.validate(value, root, at: name, depth: 0)
        return validation.violations
    }

    /// The schema that a `$ref` points to: `#`, `#/$defs/Name`, or any other pointer into the document.
    static func resolve(_ reference: String, in root: JSON) -> JSON? {
        guard reference.hasPrefix("#") else { return nil }
        var schema: JSON? = root
        for step in reference.dropFirst().split(separator: "/") {
            let name = String(step.replacing("~1", with: "/").replacing("~0", with: "~"))
            schema = schema?[name] ?? Int(name).flatMap { schema?[$0] }
        }
        return schema
    }
}

/// One place where a value does not satisfy its schema. Holds no part of the value.
public struct SchemaViolation: Sendable, Hashable, CustomStringConvertible {
    /// E.g. `arguments.guests[0].email`.
    public var place: String
    /// E.g. `is required`, `must be an integer`.
    public var problem: String
    public var description: String { "\(place) \(problem)" }
}

/// A mistake in a schema itself.
public struct JSONSchemaError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A pointer into the schema, e.g. `#/properties/age/type`.
    public var place: String
    public var problem: String
    public var description: String { "JSON Schema: \(place) \(problem)" }
}
