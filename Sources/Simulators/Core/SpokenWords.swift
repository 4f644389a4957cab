/// Text as it is heard: lower case, without accents and punctuation, one space between words.
///
/// Both sides of a simulated conversation listen for phrases; neither should hang on an accent or a comma.
struct SpokenWords: Sendable {
    let words: [String]

    init(_ text: String) {
        var words: [String] = []
        var word = ""
        for scalar in text.unicodeScalars {
            if let letter = Self.plain(scalar) {
                word.unicodeScalars.append(letter)
            } else if Self.joins(scalar) {
                // "don't" is one word.
                continue
            } else if !word.isEmpty {
                words.append(word)
                word = ""
            }
        }
        if !word.isEmpty { words.append(word) }
        self.words = words
    }

    var isEmpty: Bool { words.isEmpty }

    /// Whether one of the phrases occurs, as whole words.
    func contain(_ phrases: Phrases) -> Bool { phrases.occur(in: words) }

    /// Whether a word begins with one of these.
    func containWord(beginningWith beginnings: [String]) -> Bool {
        words.contains { word in beginnings.contains { word.hasPrefix($0) } }
    }

    /// What a letter or digit is heard as; nil for anything else, which parts words.
    private static func plain(_ scalar: Unicode.Scalar) -> Unicode.Scalar? {
        switch scalar {
        case "a"..."z", "0"..."9": scalar
        case "A"..."Z": Unicode.Scalar(scalar.value + 32)
        default: scalar.isASCII ? nil : accented[scalar]
        }
    }

    private static func joins(_ scalar: Unicode.Scalar) -> Bool { scalar == "'" || scalar == "’" }

    private static let accented: [Unicode.Scalar: Unicode.Scalar] = {
        let variants: [(Unicode.Scalar, String)] = [
            ("a", "áàâãäåÁÀÂÃÄÅ"), ("e", "éèêëÉÈÊË"), ("i", "íìîïÍÌÎÏ"), ("o", "óòôõöÓÒÔÕÖ"), ("u", "úùûüÚÙÛÜ"),
            ("n", "ñÑ"), ("c", "çÇ"),
        ]
        return Dictionary(
            uniqueKeysWithValues: variants.flatMap { letter, text in text.unicodeScalars.map { ($0, letter) } })
    }()
}

/// Phrases to listen for, written plain: "manana", "no me llame".
struct Phrases: Sendable, ExpressibleByArrayLiteral {
    /// The words of each.
    private let list: [[String]]

    init(arrayLiteral phrases: String...) { list = phrases.map { $0.split(separator: " ").map(String.init) } }

    func occur(in words: [String]) -> Bool {
        list.contains { phrase in
            words.indices.contains { index in
                words[index] == phrase[0] && words[index...].starts(with: phrase)
            }
        }
    }
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
