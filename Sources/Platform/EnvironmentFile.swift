/// The lines of a `.env` file: `NAME=value`, `export NAME=value`, `# comment`, quotes in the manner of a shell. No
/// variable is expanded.
enum EnvironmentFile {
    /// One line that could not be read, counted from 1. Holds nothing of the line: it may be a secret.
    struct Problem: Equatable {
        let line: Int
        let reason: String
    }

    static func parse(_ text: String) -> (values: [String: String], problems: [Problem]) {
        var values: [String: String] = [:]
        var problems: [Problem] = []
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            switch parseLine(line.trimmed) {
            case .success((let name, let value)?): values[name] = value
            case .success(nil): break
            case .failure(let refusal): problems.append(Problem(line: index + 1, reason: refusal.reason))
            }
        }
        return (values, problems)
    }

    private struct Refusal: Error { let reason: String }

    private static func parseLine(_ line: Substring) -> Result<(String, String)?, Refusal> {
        if line.isEmpty || line.hasPrefix("#") { return .success(nil) }
        let assignment = line.hasPrefix("export ") ? line.dropFirst("export ".count).trimmed : line
        guard let equals = assignment.firstIndex(of: "=") else {
            return .failure(Refusal(reason: "has no \"=\"; write NAME=value"))
        }
        let name = assignment[..<equals].trimmed
        guard let first = name.first, !first.isNumber, name.allSatisfy(isNameCharacter) else {
            return .failure(Refusal(reason: "does not start with a variable name (letters, digits and _)"))
        }
        return parseValue(assignment[assignment.index(after: equals)...].trimmed).map { (String(name), $0) }
    }

    private static func isNameCharacter(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || character == "_")
    }

    private static func parseValue(_ text: Substring) -> Result<String, Refusal> {
        guard let quote = text.first, quote == "\"" || quote == "'" else {
            // A comment needs a space before it, so that a # inside a value is the value's.
            let end = text.firstRange(of: " #")?.lowerBound ?? text.endIndex
            return .success(String(text[..<end].trimmed))
        }
        var value = ""
        var rest = text.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                let tail = rest.trimmed
                guard tail.isEmpty || tail.hasPrefix("#") else {
                    return .failure(Refusal(reason: "has text after the closing quote"))
                }
                return .success(value)
            }
            guard character == "\\", quote == "\"", let escaped = rest.popFirst() else {
                value.append(character)
                continue
            }
            value += unescape(escaped)
        }
        return .failure(Refusal(reason: "has no closing quote"))
    }

    private static func unescape(_ character: Character) -> String {
        switch character {
        case "n": "\n"
        case "t": "\t"
        case "\"", "\\", "$", "'": String(character)
        default: "\\\(character)"
        }
    }
}
