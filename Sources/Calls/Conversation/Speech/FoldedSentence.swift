/// A sentence as word patterns are matched against: words in lower case, without accents or punctuation.
/// "¿No me llame más?" is the words no, me, llame, mas, and a question.
///
/// Folded by hand for the letters of English, Spanish and Portuguese: ICU's folding would cost every process its 39 MB.
struct FoldedSentence: Sendable, Hashable {
    var words: [Substring]
    var isQuestion: Bool

    /// The sentences of a text; those without a word are left out.
    static func sentences(of text: String) -> [FoldedSentence] { split(text, atCommas: false) }

    /// The parts between commas as well. Only the last of a question is one: "It is booked, anything else?"
    static func clauses(of text: String) -> [FoldedSentence] { split(text, atCommas: true) }

    private static func split(_ text: String, atCommas: Bool) -> [FoldedSentence] {
        var sentences: [FoldedSentence] = []
        var folded = ""
        func end(isQuestion: Bool) {
            let words = folded.split(separator: " ")
            if !words.isEmpty { sentences.append(FoldedSentence(words: words, isQuestion: isQuestion)) }
            folded = ""
        }
        for scalar in text.lowercased().unicodeScalars {
            switch scalar {
            // Apostrophes join ("don't" is "dont"), and so do combining accents, for text that comes decomposed.
            case "\u{300}"..."\u{36F}", "'", "’": continue
            case ".", "!", ";", "\n": end(isQuestion: false)
            case "?": end(isQuestion: true)
            case ",", ":", "¿", "–", "—": if atCommas { end(isQuestion: false) } else { folded += " " }
            default:
                let isWord = scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                folded.unicodeScalars.append(isWord ? plain[scalar] ?? scalar : " ")
            }
        }
        end(isQuestion: false)
        return sentences
    }

    /// A lower-case text without accents.
    static func withoutAccents(_ text: String) -> String {
        var folded = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where !("\u{300}"..."\u{36F}").contains(scalar) {
            folded.append(plain[scalar] ?? scalar)
        }
        return String(folded)
    }

    private static let plain: [Unicode.Scalar: Unicode.Scalar] = [
        "á": "a", "à": "a", "â": "a", "ã": "a", "ä": "a", "é": "e", "è": "e", "ê": "e", "ë": "e", "í": "i", "ì": "i",
        "î": "i", "ï": "i", "ó": "o", "ò": "o", "ô": "o", "õ": "o", "ö": "o", "ú": "u", "ù": "u", "û": "u", "ü": "u",
        "ñ": "n", "ç": "c",
    ]
}
