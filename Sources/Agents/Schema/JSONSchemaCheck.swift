import Platform

extension JSONSchema {
    static let types: Set<String> = ["null", "boolean", "integer", "number", "string", "array", "object"]
    private static let counts: Set<String> = ["minLength", "maxLength", "minItems", "maxItems"]
    private static let numbers: Set<String> = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
    private static let annotations: Set<String> = [
        "title", "description", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly",
        "writeOnly", "format", "const",
    ]
    private static let deepest = 64

    /// Checks the schema itself, so that validation later never meets one that it cannot read.
    func check(_ schema: JSON, at place: String, depth: Int) throws(JSONSchemaError) {
        if schema.bool != nil { return }
        guard let members = schema.object else { throw JSONSchemaError(place: place, problem: "must be an object") }
        guard depth < Self.deepest else { throw JSONSchemaError(place: place, problem: "is nested too deeply") }
        for (keyword, value) in members.sorted(by: { $0.key < $1.key }) {
            try check(keyword, value, at: "\(place)/\(keyword)", depth: depth + 1)
        }
    }

    private func check(_ keyword: String, _ value: JSON, at place: String, depth: Int) throws(JSONSchemaError) {
        switch keyword {
        case "type": try checkType(value, at: place)
        case "properties", "$defs", "definitions": try checkMembers(value, at: place, depth: depth)
        case "items", "additionalProperties": try check(value, at: place, depth: depth)
        case "anyOf", "oneOf", "allOf": try checkElements(value, at: place, depth: depth)
        case "required": try require(value.array?.allSatisfy { $0.string != nil }, place, "must be an array of names")
        case "enum": try require(value.array.map { !$0.isEmpty }, place, "must be an array of values")
        case "pattern": try checkPattern(value, at: place)
        case "$ref": try checkReference(value, at: place)
        case _ where Self.counts.contains(keyword):
            try require(value.integer.map { $0 >= 0 }, place, "must be an integer from 0")
        case _ where Self.numbers.contains(keyword): try require(value.number != nil, place, "must be a number")
        case _ where Self.annotations.contains(keyword): break
        default: throw JSONSchemaError(place: place, problem: "is a keyword that is not supported")
        }
    }

    private func require(_ holds: Bool?, _ place: String, _ problem: String) throws(JSONSchemaError) {
        if holds != true { throw JSONSchemaError(place: place, problem: problem) }
    }

    private func checkType(_ value: JSON, at place: String) throws(JSONSchemaError) {
        let names = value.array ?? [value]
        try require(
            !names.isEmpty && names.allSatisfy { Self.types.contains($0.string ?? "") }, place,
            "must be one or more of \(Self.types.sorted().joined(separator: ", "))")
    }

    private func checkMembers(_ value: JSON, at place: String, depth: Int) throws(JSONSchemaError) {
        guard let members = value.object else { throw JSONSchemaError(place: place, problem: "must be an object") }
        for (name, schema) in members.sorted(by: { $0.key < $1.key }) {
            try check(schema, at: "\(place)/\(name)", depth: depth)
        }
    }

    private func checkElements(_ value: JSON, at place: String, depth: Int) throws(JSONSchemaError) {
        guard let schemas = value.array, !schemas.isEmpty else {
            throw JSONSchemaError(place: place, problem: "must be an array of schemas")
        }
        for (index, schema) in schemas.enumerated() { try check(schema, at: "\(place)/\(index)", depth: depth) }
    }

    private func checkPattern(_ value: JSON, at place: String) throws(JSONSchemaError) {
        guard let pattern = value.string, (try? Regex(pattern)) != nil else {
            throw JSONSchemaError(place: place, problem: "is not a regular expression")
        }
    }

    private func checkReference(_ value: JSON, at place: String) throws(JSONSchemaError) {
        guard let reference = value.string, Self.resolve(reference, in: root) != nil else {
            throw JSONSchemaError(place: place, problem: "points to nothing in this schema")
        }
    }
}
