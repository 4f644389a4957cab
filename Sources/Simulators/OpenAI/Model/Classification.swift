import Platform

/// A structured answer: reads how a conversation went, and says it in whatever schema is asked for.
struct Classification {
    private let text: String
    private let callerText: String
    private let facts: PromptFacts
    private let dialogue: Dialogue

    init(_ prompt: ChatPrompt) {
        facts = PromptFacts(prompt)
        dialogue = Dialogue(prompt.messages)
        text = prompt.messages.filter { $0.role != "system" && $0.role != "developer" }.compactMap(\.text)
            .joined(separator: "\n")
        callerText = Self.callerLines(text)
    }

    /// A value that satisfies the schema; what is not known is null where that is allowed, else empty.
    func value(of schema: JSON) -> JSON { value(of: schema, named: "", root: schema, depth: 0) }

    private func value(of schema: JSON, named name: String, root: JSON, depth: Int) -> JSON {
        guard depth < 32 else { return .null }
        if let reference = schema["$ref"]?.string {
            let target = reference.split(separator: "/").dropFirst().reduce(root) { $0[String($1)] ?? .null }
            return value(of: target, named: name, root: root, depth: depth + 1)
        }
        if let constant = schema["const"] { return constant }
        if let values = schema["enum"]?.array { return choice(values) }
        let options = schema["anyOf"]?.array ?? schema["oneOf"]?.array ?? []
        let types = schema["type"]?.array?.compactMap(\.string) ?? schema["type"]?.string.map { [$0] } ?? []
        let isNullable = types.contains("null") || options.contains { $0["type"] == "null" }
        if !options.isEmpty {
            let first = options.first { $0["type"] != "null" } ?? options[0]
            let found = value(of: first, named: name, root: root, depth: depth + 1)
            return isNullable && (found == "" || found == []) ? .null : found
        }
        let type = types.first { $0 != "null" } ?? (schema["properties"] == nil ? "string" : "object")
        switch type {
        case "object":
            let properties = schema["properties"]?.object ?? [:]
            return .object(
                Dictionary(
                    uniqueKeysWithValues: properties.map {
                        ($0, value(of: $1, named: $0, root: root, depth: depth + 1))
                    }))
        case "array": return []
        case "boolean": return .bool(isInterested)
        case "integer": return bounded(schema) { .integer(Int64($0)) }
        case "number": return bounded(schema) { .number($0) }
        default: return string(named: name).map { .string($0) } ?? (isNullable ? .null : "")
        }
    }

    private func bounded(_ schema: JSON, _ make: (Double) -> JSON) -> JSON {
        make(schema["minimum"]?.number ?? min(1, schema["maximum"]?.number ?? 1))
    }

    // MARK: what happened

    private var intent: CallerIntent {
        let strong: [CallerIntent] = [.neverCallAgain, .wrongNumber, .callBackLater, .notInterested]
        let found = callerText.split(separator: "\n").map { CallerIntent(String($0)) }
        return strong.first(where: found.contains) ?? (found.contains(.yes) ? .yes : .unclear)
    }

    private var isBooked: Bool {
        dialogue.booked != nil || SpokenWords(text).contain(["is booked for", "quedo agendada", "esta agendada"])
    }

    private var isInterested: Bool { isBooked || intent == .yes }

    /// The first of the fitting outcomes that the schema knows.
    private func choice(_ values: [JSON]) -> JSON {
        outcomes.lazy.map { JSON.string($0) }.first(where: values.contains) ?? values.first ?? .null
    }

    private var outcomes: [String] {
        if isBooked { return ["meeting_scheduled", "completed"] }
        return switch intent {
        case .neverCallAgain: ["do_not_call", "not_interested"]
        case .wrongNumber: ["wrong_number", "not_interested"]
        case .callBackLater: ["callback_requested", "completed"]
        case .notInterested: ["not_interested"]
        default: ["completed", facts.language.rawValue, "neutral", "unknown", "other"]
        }
    }

    private func string(named name: String) -> String? {
        let name = name.lowercased()
        if name.contains("email") { return dialogue.email ?? emailAddress(in: text) }
        if name.contains("name") { return facts.leadName }
        if name.contains("language") { return facts.language.rawValue }
        return ["summary", "reason", "note", "topic", "interest"].contains(where: name.contains) ? summary : nil
    }

    private var summary: String {
        if isBooked { return "The caller was interested and a meeting was booked." }
        return switch intent {
        case .neverCallAgain: "The caller asked never to be called again."
        case .wrongNumber: "The number belongs to somebody else."
        case .callBackLater: "The caller asked to be called at another time."
        case .notInterested: "The caller was not interested."
        case .yes: "The caller was interested; nothing was booked."
        default: "The conversation settled nothing."
        }
    }

    /// A transcript given as one message names its speakers; then only the caller's lines count.
    private static func callerLines(_ text: String) -> String {
        let lines = text.split(separator: "\n")
        let labels = ["caller:", "user:", "lead:", "customer:", "cliente:"]
        let spoken = lines.compactMap { line -> Substring? in
            let label = labels.first { line.lowercased().hasPrefix($0) }
            return label.map { line.dropFirst($0.count) }
        }
        return (spoken.isEmpty ? lines : spoken).joined(separator: "\n")
    }
}
