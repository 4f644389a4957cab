import Platform

/// Text with places in it: `{name}` for an argument of the tool, `${NAME}` for an environment variable. `{{` and `}}` are
/// the braces themselves.
struct TextTemplate: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case text(String)
        case argument(String)
        case secret(String)
    }

    struct Mistake: Error {
        let problem: String
    }

    let parts: [Part]

    init(_ text: String) throws(Mistake) {
        var parts: [Part] = []
        var literal = ""
        var rest = text[...]
        func flush() {
            if !literal.isEmpty { parts.append(.text(literal)) }
            literal = ""
        }
        while let character = rest.popFirst() {
            switch character {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                literal.append(character)
                rest.removeFirst()
            case "$" where rest.first == "{", "{":
                let isSecret = character == "$"
                if isSecret { rest.removeFirst() }
                guard let end = rest.firstIndex(of: "}"), Self.isName(rest[..<end]) else {
                    throw Mistake(
                        problem:
                            "has a “{” that no name and “}” follow: write {argument} or ${VARIABLE}, and {{ for a brace"
                    )
                }
                flush()
                parts.append(isSecret ? .secret(String(rest[..<end])) : .argument(String(rest[..<end])))
                rest = rest[rest.index(after: end)...]
            case "}": throw Mistake(problem: "has a “}” that nothing opens: write }} for a brace")
            default: literal.append(character)
            }
        }
        flush()
        self.parts = parts
    }

    private static func isName(_ text: Substring) -> Bool {
        guard let first = text.first, !first.isNumber, text.count <= 64 else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    var arguments: [String] {
        parts.compactMap { if case .argument(let name) = $0 { name } else { nil } }
    }

    var secrets: [String] {
        parts.compactMap { if case .secret(let name) = $0 { name } else { nil } }
    }

    /// With a letter in each place.
    var sample: String { text { _ in "x" } }

    /// - Parameter encode: how a value stands in this text; the text itself is as it is.
    func filled(
        with arguments: JSON, secrets: [String: Secret], encode: (String) -> String = { $0 }
    ) -> String {
        text { part in
            switch part {
            case .text(let text): text
            case .argument(let name): encode(Self.text(arguments[name] ?? .null))
            case .secret(let name): encode(secrets[name]?.reveal() ?? "")
            }
        }
    }

    private func text(_ value: (Part) -> String) -> String {
        parts.map { if case .text(let text) = $0 { text } else { value($0) } }.joined()
    }

    /// What is not given leaves nothing.
    static func text(_ value: JSON) -> String {
        switch value {
        case .null: ""
        case .string(let text): text
        default: value.text
        }
    }
}

/// JSON in whose texts there are places. A text that is one `{argument}` and nothing else becomes the argument itself, number
/// or object as it is; an argument that is not given leaves its member out.
indirect enum JSONTemplate: Sendable, Hashable {
    case value(JSON)
    case text(TextTemplate)
    case array([JSONTemplate])
    case object([String: JSONTemplate])

    /// Nil: left out.
    func filled(with arguments: JSON, secrets: [String: Secret]) -> JSON? {
        switch self {
        case .value(let value): value
        case .text(let template):
            if case .argument(let name)? = template.parts.first, template.parts.count == 1 {
                arguments[name]
            } else {
                .string(template.filled(with: arguments, secrets: secrets))
            }
        case .array(let elements):
            .array(elements.map { $0.filled(with: arguments, secrets: secrets) ?? .null })
        case .object(let members):
            .object(members.compactMapValues { $0.filled(with: arguments, secrets: secrets) })
        }
    }
}
