import Platform

/// One walk over a value with its schema. Collects violations; never fails.
struct JSONSchemaValidation {
    let root: JSON
    private(set) var violations: [SchemaViolation] = []
    static let maximumViolations = 20
    /// A `$ref` that leads back to itself without consuming any of the value ends here.
    private static let deepest = 128

    init(root: JSON) { self.root = root }

    mutating func validate(_ value: JSON, _ schema: JSON, at place: String, depth: Int) {
        guard violations.count < Self.maximumViolations else { return }
        guard depth < Self.deepest else { return report(place, "is nested too deeply") }
        if schema.bool == false { return report(place, "is not allowed") }
        guard let keywords = schema.object else { return }
        if let reference = keywords["$ref"]?.string, let target = JSONSchema.resolve(reference, in: root) {
            validate(value, target, at: place, depth: depth + 1)
        }
        if let type = keywords["type"], !checkType(value, type, at: place) { return }
        checkChoices(value, keywords, at: place)
        switch value {
        case .object(let members): checkObject(members, keywords, at: place, depth: depth)
        case .array(let elements): checkArray(elements, keywords, at: place, depth: depth)
        case .string(let text): checkString(text, keywords, at: place)
        case .integer, .number: checkNumber(value.number ?? 0, keywords, at: place)
        case .null, .bool: break
        }
        checkCombinations(value, keywords, at: place, depth: depth)
    }

    private mutating func report(_ place: String, _ problem: String) {
        guard violations.count < Self.maximumViolations else { return }
        violations.append(SchemaViolation(place: place, problem: problem))
    }

    // MARK: any value

    private mutating func checkType(_ value: JSON, _ type: JSON, at place: String) -> Bool {
        let names = Self.names(type)
        if names.contains(where: { Self.matches(value, $0) }) { return true }
        report(place, "must be \(names.map(Self.withArticle).joined(separator: " or "))")
        return false
    }

    private static func names(_ type: JSON) -> [String] { (type.array ?? [type]).compactMap(\.string) }

    private static func matches(_ value: JSON, _ type: String) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("string", .string), ("array", .array), ("object", .object),
            ("number", .number), ("number", .integer), ("integer", .integer):
            true
        // 30.0 is an integer in JSON Schema.
        case ("integer", .number(let number)): number.rounded() == number
        default: false
        }
    }

    private static func withArticle(_ type: String) -> String {
        switch type {
        case "null": "null"
        case "integer", "array", "object": "an \(type)"
        default: "a \(type)"
        }
    }

    private mutating func checkChoices(_ value: JSON, _ keywords: [String: JSON], at place: String) {
        if let choices = keywords["enum"]?.array, !choices.contains(where: { Self.equal($0, value) }) {
            report(place, "must be one of \(choices.prefix(20).map(\.text).joined(separator: ", "))")
        }
        if let constant = keywords["const"], !Self.equal(constant, value) { report(place, "must be \(constant.text)") }
    }

    private static func equal(_ left: JSON, _ right: JSON) -> Bool {
        if let left = left.number, let right = right.number { return left == right }
        return left == right
    }

    private mutating func checkCombinations(
        _ value: JSON, _ keywords: [String: JSON], at place: String, depth: Int
    ) {
        for schema in keywords["allOf"]?.array ?? [] { validate(value, schema, at: place, depth: depth + 1) }
        if let schemas = keywords["anyOf"]?.array {
            let attempts = schemas.map { violationsAlone(of: value, $0, at: place, depth: depth) }
            if !attempts.contains(where: \.isEmpty) {
                // The alternative that came closest says best what to change; one of another type is none that was meant.
                let alike = zip(schemas, attempts).filter { schema, _ in
                    schema["type"].map { Self.names($0).contains { Self.matches(value, $0) } } ?? true
                }
                let closest = (alike.isEmpty ? attempts : alike.map(\.1)).min { $0.count < $1.count } ?? []
                report(
                    place,
                    "fits none of its alternatives (\(closest.prefix(3).map(\.description).joined(separator: "; ")))")
            }
        }
        if let schemas = keywords["oneOf"]?.array {
            let fitting = schemas.count { violationsAlone(of: value, $0, at: place, depth: depth).isEmpty }
            if fitting != 1 { report(place, "must fit exactly one of its alternatives, and fits \(fitting)") }
        }
    }

    private func violationsAlone(of value: JSON, _ schema: JSON, at place: String, depth: Int) -> [SchemaViolation] {
        var alone = JSONSchemaValidation(root: root)
        alone.validate(value, schema, at: place, depth: depth + 1)
        return alone.violations
    }

    // MARK: by type

    private mutating func checkObject(
        _ members: [String: JSON], _ keywords: [String: JSON], at place: String, depth: Int
    ) {
        for name in keywords["required"]?.array ?? [] where members[name.string ?? ""] == nil {
            report("\(place).\(name.string ?? "")", "is required")
        }
        let properties = keywords["properties"]?.object ?? [:]
        let others = keywords["additionalProperties"]
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            if let schema = properties[name] {
                validate(value, schema, at: "\(place).\(name)", depth: depth + 1)
            } else if let others {
                // A name that the model made up may be long or hostile: it is shortened.
                validate(value, others, at: "\(place).\(name.prefix(64))", depth: depth + 1)
            }
        }
    }

    private mutating func checkArray(_ elements: [JSON], _ keywords: [String: JSON], at place: String, depth: Int) {
        checkCount(elements.count, keywords, "Items", "elements", at: place)
        guard let schema = keywords["items"] else { return }
        for (index, element) in elements.enumerated() {
            validate(element, schema, at: "\(place)[\(index)]", depth: depth + 1)
        }
    }

    private mutating func checkString(_ text: String, _ keywords: [String: JSON], at place: String) {
        checkCount(text.unicodeScalars.count, keywords, "Length", "characters", at: place)
        if let pattern = keywords["pattern"]?.string, let regex = try? Regex(pattern), text.firstMatch(of: regex) == nil
        {
            report(place, "must match \(pattern)")
        }
        if let problem = keywords["format"]?.string.flatMap({ StringFormat(rawValue: $0)?.problem(of: text) }) {
            report(place, problem)
        }
    }

    private mutating func checkCount(
        _ count: Int, _ keywords: [String: JSON], _ suffix: String, _ unit: String, at place: String
    ) {
        if let least = keywords["min" + suffix]?.integer, count < least {
            report(place, "must have at least \(least) \(unit)")
        }
        if let most = keywords["max" + suffix]?.integer, count > most {
            report(place, "must have at most \(most) \(unit)")
        }
    }

    private mutating func checkNumber(_ number: Double, _ keywords: [String: JSON], at place: String) {
        if let bound = keywords["minimum"], number < bound.number ?? number {
            report(place, "must be at least \(bound.text)")
        }
        if let bound = keywords["maximum"], number > bound.number ?? number {
            report(place, "must be at most \(bound.text)")
        }
        if let bound = keywords["exclusiveMinimum"], number <= bound.number ?? -.infinity {
            report(place, "must be more than \(bound.text)")
        }
        if let bound = keywords["exclusiveMaximum"], number >= bound.number ?? .infinity {
            report(place, "must be less than \(bound.text)")
        }
    }
}
