import Platform

/// Derives a schema from what a type decodes: it is decoded from a value that does not exist, and what it asks for is noted.
struct SchemaDerivation: Sendable {
    let isStrict: Bool
    private static let deepest = 16

    /// The schema of a type, and a value of it that stands in for what would be decoded.
    func derive<Value: Decodable>(
        _ type: Value.Type, at place: String, depth: Int
    ) throws(JSONSchemaError) -> (schema: JSON, sample: Value) {
        guard depth < Self.deepest else { throw problem(place, "is nested too deeply, or in itself") }
        if let plain = type as? any PlainlyDescribed.Type {
            guard let sample = plain.sample as? Value else { throw problem(place, "has no sample") }
            return (try plain.schema(self, at: place, depth: depth), sample)
        }
        if let choices = type as? any (CaseIterable & RawRepresentable).Type {
            let (schema, sample) = try enumeration(choices, at: place)
            guard let sample = sample as? Value else { throw problem(place, "has no sample") }
            return (schema, sample)
        }
        let notes = SchemaNotes(derivation: self, place: place, depth: depth)
        do {
            let sample = try Value(from: SchemaDecoder(notes: notes))
            return (try notes.schema(describedBy: type as? any DescribedProperties.Type), sample)
        } catch let error as JSONSchemaError {
            throw error
        } catch {
            throw problem(place, "cannot be derived from its init(from:): give its schema")
        }
    }

    private func enumeration<Choice: CaseIterable & RawRepresentable>(
        _ type: Choice.Type, at place: String
    ) throws(JSONSchemaError) -> (JSON, Any) {
        var values: [JSON] = []
        for choice in type.allCases {
            switch choice.rawValue {
            case let text as String: values.append(.string(text))
            case let number as any BinaryInteger: values.append(.integer(Int64(clamping: number)))
            default: throw problem(place, "has raw values that are neither strings nor integers")
            }
        }
        guard let first = type.allCases.first else { throw problem(place, "has no cases") }
        let kind: JSON = values[0].string == nil ? "integer" : "string"
        return (["type": kind, "enum": .array(values)], first)
    }

    func problem(_ place: String, _ problem: String) -> JSONSchemaError {
        JSONSchemaError(place: place, problem: problem)
    }
}

/// What one type asked for while it was decoded.
final class SchemaNotes {
    let derivation: SchemaDerivation
    let place: String
    let depth: Int
    private var properties: [String: JSON] = [:]
    private var optional: Set<String> = []
    /// Of a type that decodes as one value.
    private var single: JSON?

    init(derivation: SchemaDerivation, place: String, depth: Int) {
        self.derivation = derivation
        self.place = place
        self.depth = depth
    }

    func noteOptional(_ name: String) { optional.insert(name) }

    func note<Value: Decodable>(_ type: Value.Type, _ name: String) throws -> Value {
        let (schema, sample) = try derivation.derive(type, at: "\(place).\(name)", depth: depth + 1)
        properties[name] = schema
        return sample
    }

    func noteSingle<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let (schema, sample) = try derivation.derive(type, at: place, depth: depth + 1)
        single = schema
        return sample
    }

    func schema(describedBy described: (any DescribedProperties.Type)?) throws(JSONSchemaError) -> JSON {
        if let single { return single }
        for (name, more) in described?.properties ?? [:] {
            guard let schema = properties[name]?.object else {
                throw derivation.problem("\(place).\(name)", "is described and is no property")
            }
            let keywords = more.string.map { ["description": .string($0)] } ?? more.object ?? [:]
            properties[name] = .object(schema.merging(keywords) { $1 })
        }
        var required = properties.keys.sorted()
        if derivation.isStrict {
            for name in optional { properties[name] = properties[name]?.orNull }
        } else {
            required.removeAll { optional.contains($0) }
        }
        var schema: [String: JSON] = [
            "type": "object", "properties": .object(properties), "additionalProperties": false,
        ]
        if !required.isEmpty { schema["required"] = .array(required.map { .string($0) }) }
        return .object(schema)
    }
}

extension JSON {
    /// This schema, or null.
    var orNull: JSON {
        guard var keywords = object, let type = keywords["type"] else { return self }
        keywords["type"] = .array((type.array ?? [type]) + ["null"])
        if let choices = keywords["enum"]?.array { keywords["enum"] = .array(choices + [.null]) }
        return .object(keywords)
    }
}
