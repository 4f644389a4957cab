import Agents
import Platform
import Providers

/// An e-mail address as people say it: "john at example dot com", "mi correo es ana guion bajo ruiz arroba correo punto mx".
enum SpokenEmail {
    /// The address, or nil when none can be made of it to which mail can be sent.
    ///
    /// What is heard has no accents: "José arroba …" is jose@…. An address that is written with them is none for us, because
    /// mail servers that would take it are rare.
    static func address(_ text: String) -> String? {
        let tokens = tokens(of: text)
        guard tokens.count > 1 else { return tokens.first.flatMap { deliverable(Self.trimmed($0)) } }
        let words = joinedPairs(tokens.flatMap(heard))
        let parts = words.map { self.words[$0] ?? $0 }
        guard let at = parts.firstIndex(of: "@"), at == parts.lastIndex(of: "@") else { return nil }
        let spoken = local(parts[...at]).joined() + domain(parts[(at + 1)...]).joined()
        return deliverable(trimmed(spoken))
    }

    /// For a tool's parameters: lengths alone, since what is said is longer than what is meant.
    static let schema: JSON = [
        "type": "string", "minLength": 3, "maxLength": 500,
        "description": "The guest's e-mail address, also as it was said: john at example dot com",
    ]

    /// What a model is told of an address that is none. `field` is the parameter's name.
    static func refusal(_ field: String) -> ToolResult {
        MeetingTools.refusal(
            "invalid_email",
            "\(field) is not an e-mail address: ask the caller to spell it, without accents, and read it back")
    }

    // MARK: parts

    private static func tokens(of text: String) -> [String] {
        text.prefix(500).split(whereSeparator: \.isWhitespace).map(String.init).filter { !$0.allSatisfy(isWrapping) }
    }

    /// Without accents; the sign @ is a word of its own. "é" is no letter of an address, but "is".
    private static func heard(_ token: String) -> [String] {
        let token = token.lowercased()
        if token == "é" { return ["is"] }
        let halves = FoldedSentence.withoutAccents(token).split(separator: "@", omittingEmptySubsequences: false)
        return halves.map { [String($0)] }.joined(separator: ["@"]).filter { !$0.isEmpty }
    }

    /// "guion bajo" is one sign.
    private static func joinedPairs(_ tokens: [String]) -> [String] {
        var joined: [String] = []
        for token in tokens {
            if let last = joined.last, words["\(last) \(token)"] != nil {
                joined[joined.count - 1] = "\(last) \(token)"
            } else {
                joined.append(token)
            }
        }
        return joined
    }

    /// What stands before the address does not belong to it: "my e-mail is".
    private static func local(_ parts: ArraySlice<String>) -> ArraySlice<String> {
        guard let lead = parts.dropLast(2).lastIndex(where: leads.contains) else { return parts }
        return parts[(lead + 1)...]
    }

    /// Up to the word after the last dot; letters that are spelled are one word.
    private static func domain(_ parts: ArraySlice<String>) -> ArraySlice<String> {
        guard let dot = parts.lastIndex(where: { $0.contains(".") }) else {
            return parts
        }
        guard parts[dot] == "." else { return parts[...dot] }
        let rest = parts[(dot + 1)...]
        let spelled = rest.prefix { $0.count == 1 }
        return parts[..<(spelled.isEmpty ? min(dot + 2, parts.endIndex) : spelled.endIndex)]
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        if text.lowercased().hasPrefix("mailto:") { text = text.dropFirst("mailto:".count) }
        while let first = text.first, isWrapping(first) { text = text.dropFirst() }
        while let last = text.last, isWrapping(last) || last == "." { text = text.dropLast() }
        return String(text)
    }

    private static func isWrapping(_ character: Character) -> Bool { "<>()[]\"'“”‘’,;:!?¿¡".contains(character) }

    private static func deliverable(_ text: String) -> String? { isDeliverable(text) ? text : nil }

    /// Whether a mail can be sent to it. Not every plausible address: letters beyond ASCII need what few mail servers have.
    static func isDeliverable(_ address: String) -> Bool {
        EmailAddress.isPlausible(address) && (try? MailAddress(address)) != nil
    }

    /// Written as they are heard: without accents.
    private static let words: [String: String] = [
        "at": "@", "arroba": "@", "dot": ".", "punto": ".", "ponto": ".", "underscore": "_", "under score": "_",
        "guion bajo": "_", "underline": "_", "sublinhado": "_", "dash": "-", "hyphen": "-", "minus": "-",
        "guion": "-", "guion medio": "-", "hifen": "-", "traco": "-", "plus": "+", "signo mas": "+",
    ]

    private static let leads: Set<String> = ["is", "its", "it's", "es", "email", "e-mail", "correo", "mail", "sera"]
}
