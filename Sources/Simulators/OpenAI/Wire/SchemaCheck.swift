import Platform

/// Finds what OpenAI refuses in a JSON Schema. Strict schemas are a subset: every property required, nothing additional,
/// at most 5,000 properties and 10 levels (guide "Structured outputs", section "Supported schemas").
struct SchemaCheck {
    let isStrict: Bool
    private var properties = 0

    private static let types: Set<String> = ["object", "array", "string", "number", "integer", "boolean", "null"]
    /// Keywords that a strict schema must not have.
    private static let unsupported = [
        "allOf", "not", "dependentRequired", "dependentSchemas", "if", "then", "else", "oneOf", "patternProperties",
    ]

    init(isStrict: Bool) { self.isStrict = isStrict }

    /// Nil when the schema is fine.
    mutating func problem(in schema: JSON) -> String? { problem(in: schema, at: [], depth: 1) }

    private mutating func problem(in schema: JSON, at place: [String], depth: Int) -> String? {
        guard depth <= (isStrict ? 10 : 100) else { return "the schema is nested too deeply." }
        if case .bool = schema { return isStrict ? "\(context(place))schema must have a 'type' key." : nil }
        guard let members = schema.object else {
            return "\(context(place))\(schema.text) is not of type 'object', 'boolean'."
        }
        return problem(withType: members, at: place)
            ?? (isStrict ? strictProblem(members, at: place) : nil)
            ?? parts(members, at: place, depth: depth)
    }

    private func problem(withType members: [String: JSON], at place: [String]) -> String? {
        let names = members["type"]?.array?.map { $0.string ?? "" } ?? members["type"].map { [$0.string ?? ""] } ?? []
        if let wrong = names.first(where: { !Self.types.contains($0) }) {
            return "\(context(place))'\(wrong)' is not valid under any of the given schemas."
        }
        if names.contains("array"), members["items"] == nil { return "\(context(place))array schema missing items." }
        if let required = members["required"], required.array?.allSatisfy({ $0.string != nil }) != true {
            return "\(context(place))\(required.text) is not of type 'array'."
        }
        if let values = members["enum"], values.array?.isEmpty != false {
            return "\(context(place))\(values.text) is too short."
        }
        return nil
    }

    private func strictProblem(_ members: [String: JSON], at place: [String]) -> String? {
        if let keyword = Self.unsupported.first(where: { members[$0] != nil }) {
            return "\(context(place))'\(keyword)' is not permitted."
        }
        let isUntyped = ["type", "anyOf", "$ref", "enum", "const"].allSatisfy { members[$0] == nil }
        if isUntyped { return "\(context(place))schema must have a 'type' key." }
        guard members["type"]?.string == "object" else { return nil }
        guard members["additionalProperties"] == false else {
            return "\(context(place))'additionalProperties' is required to be supplied and to be false."
        }
        let required = Set((members["required"]?.array ?? []).compactMap(\.string))
        let missing = (members["properties"]?.object ?? [:]).keys.sorted().first { !required.contains($0) }
        return missing.map {
            "\(context(place))'required' is required to be supplied and to be an array including every key in "
                + "properties. Missing '\($0)'."
        }
    }

    private mutating func parts(_ members: [String: JSON], at place: [String], depth: Int) -> String? {
        for keyword in ["properties", "$defs", "definitions"] {
            for (name, schema) in (members[keyword]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
                properties += 1
                if isStrict, properties > 5_000 { return "the schema has too many properties." }
                if let problem = problem(in: schema, at: place + [keyword, name], depth: depth + 1) { return problem }
            }
        }
        for (index, schema) in (members["anyOf"]?.array ?? []).enumerated() {
            if let problem = problem(in: schema, at: place + ["anyOf", "\(index)"], depth: depth) { return problem }
        }
        return members["items"].flatMap { problem(in: $0, at: place + ["items"], depth: depth + 1) }
    }

    private func context(_ place: [String]) -> String {
        "In context=(\(place.map { "'\($0)'" }.joined(separator: ", "))), "
    }
}
