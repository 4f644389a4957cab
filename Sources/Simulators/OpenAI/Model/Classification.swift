import Platform

/// A structured answer: reads how a conversation went, and says it in whatever schema is asked for.
struct Classification {
    private let instructions: String
    private let text: String
    /// What the caller said, a line for each time.
    private let callerText: String
    private let facts: PromptFacts
    private let dialogue: Dialogue

    init(_ prompt: ChatPrompt) {
        facts = PromptFacts(prompt)
        dialogue = Dialogue(prompt.messages)
        let (told, said) = (prompt.messages.filter(\.isInstruction), prompt.messages.filter { !$0.isInstruction })
        instructions = told.compactMap(\.text).joined(separator: "\n")
        text = said.compactMap(\.text).joined(separator: "\n")
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
        if let values = schema["enum"]?.array { return choice(values, named: name) }
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

    /// The first of the fitting words that the schema knows.
    private func choice(_ values: [JSON], named name: String) -> JSON {
        let words = name.lowercased().contains("interest") ? [degreeOfInterest] : outcomes
        return words.lazy.map { JSON.string($0) }.first(where: values.contains) ?? values.first ?? .null
    }

    private var degreeOfInterest: String {
        if isInterested { return "high" }
        return intent == .callBackLater ? "medium" : intent == .unclear ? "low" : "none"
    }

    private var outcomes: [String] {
        if isBooked { return ["meeting_scheduled", "completed"] }
        switch intent {
        case .neverCallAgain: return ["do_not_call", "not_interested"]
        case .wrongNumber: return ["wrong_number", "not_interested"]
        case .callBackLater: return ["callback_requested", "completed"]
        case .notInterested: return ["not_interested"]
        default:
            let others = ["completed", facts.language.rawValue, "neutral", "unknown", "other"]
            return hungUp ? ["hung_up"] + others : others
        }
    }

    /// The instructions say who ended the call.
    private var hungUp: Bool {
        SpokenWords(instructions).contain(["by the person", "by the caller", "by the callee"])
    }

    private func string(named name: String) -> String? {
        let name = name.lowercased()
        if name.contains("email") { return emailAddress(in: callerText) }
        if name.contains("name") { return facts.leadName }
        if name.contains("language") { return facts.language.rawValue }
        if name.contains("reason") { return intent == .notInterested ? summary : nil }
        return ["summary", "note", "topic"].contains(where: name.contains) ? summary : nil
    }

    private var summary: String {
        let phrases = SalesPhrases(language: facts.language)
        return isBooked ? phrases.summaryOfBooking : phrases.summary(of: intent)
    }

    /// A transcript given as one message names who speaks before each line; then what the agent said does not count.
    private static func callerLines(_ text: String) -> String {
        let lines = text.split(separator: "\n").compactMap { line -> Substring? in
            guard let colon = line.firstIndex(of: ":") else { return line }
            let speaker = line[..<colon].lowercased()
            guard !speaker.contains(" ") else { return line }
            return agents.contains(speaker) ? nil : line[line.index(after: colon)...]
        }
        return lines.joined(separator: "\n")
    }

    private static let agents: Set<String> = ["agent", "assistant", "agente", "ai", "bot"]
}

extension ChatPrompt.Message {
    var isInstruction: Bool { role == "system" || role == "developer" }
}
