/// Text as it is heard: lower case, without accents and punctuation, one space between words.
///
/// Both sides of a simulated conversation listen for phrases; neither should hang on an accent or a comma.
struct SpokenWords: Sendable {
    let words: [String]
    /// The words with a space on either side of each.
    private let padded: String

    init(_ text: String) {
        var words: [String] = []
        var word = ""
        for scalar in text.lowercased().unicodeScalars {
            if let letter = Self.plain[scalar] {
                word += letter
            } else if !word.isEmpty {
                words.append(word)
                word = ""
            }
        }
        if !word.isEmpty { words.append(word) }
        self.words = words
        padded = " " + words.joined(separator: " ") + " "
    }

    var isEmpty: Bool { words.isEmpty }

    /// Whether one of the phrases occurs, as whole words. Phrases are written plain: "manana", "no me llame".
    func contain(_ phrases: [String]) -> Bool { phrases.contains { padded.contains(" \($0) ") } }

    /// Whether a word begins with one of these.
    func containWord(beginningWith beginnings: [String]) -> Bool {
        words.contains { word in beginnings.contains { word.hasPrefix($0) } }
    }

    /// What each letter and digit is heard as; anything else parts words.
    private static let plain: [Unicode.Scalar: String] = {
        var plain: [Unicode.Scalar: String] = [:]
        for scalar in "abcdefghijklmnopqrstuvwxyz0123456789".unicodeScalars { plain[scalar] = String(scalar) }
        let accented = ["a": "áàâãäå", "e": "éèêë", "i": "íìîï", "o": "óòôõö", "u": "úùûü", "n": "ñ", "c": "ç"]
        for (letter, variants) in accented {
            for scalar in variants.unicodeScalars { plain[scalar] = letter }
        }
        // "don't" is one word.
        plain["'"] = ""
        plain["’"] = ""
        return plain
    }()
}

/// The first e-mail address in a text.
func emailAddress(in text: String) -> String? {
    let separators: Set<Character> = [" ", "\n", "\t", ",", ";", "<", ">", "(", ")", "\"", "'", "?", "!", ":"]
    for word in text.split(whereSeparator: separators.contains) {
        let trimmed = word.hasSuffix(".") ? word.dropLast() : word
        let parts = trimmed.split(separator: "@", omittingEmptySubsequences: false)
        if parts.count == 2, !parts[0].isEmpty, parts[1].contains("."), !parts[1].hasPrefix("."),
            !parts[1].hasSuffix(".")
        {
            return String(trimmed)
        }
    }
    return nil
}

/// The languages that agents and callees speak.
enum SpokenLanguage: String, Sendable, CaseIterable {
    case english = "en"
    case spanish = "es"
    case portuguese = "pt"

    /// From a tag such as "es-MX"; nil for a language that nobody here speaks.
    init?(tag: String) { self.init(rawValue: String(tag.lowercased().prefix { $0 != "-" && $0 != "_" })) }

    /// The language whose commonest words occur most; nil when none does.
    init?(of text: String) {
        let words = SpokenWords(text).words
        let scores = Self.allCases.map { language in
            (language, words.count { language.commonWords.contains($0) })
        }
        guard let best = scores.max(by: { $0.1 < $1.1 }), best.1 > 0 else { return nil }
        self = best.0
    }

    private var commonWords: Set<String> {
        switch self {
        case .english:
            ["the", "is", "you", "are", "i", "and", "for", "of", "yes", "what", "hello", "my", "it", "in", "with"]
        case .spanish:
            [
                "el", "los", "las", "usted", "es", "y", "si", "hola", "gracias", "mi", "con", "manana", "esta", "su",
                "del",
            ]
        case .portuguese:
            [
                "os", "voce", "sim", "nao", "obrigado", "obrigada", "meu", "com", "amanha", "ola", "uma", "um", "sao",
                "ao", "do",
            ]
        }
    }
}
