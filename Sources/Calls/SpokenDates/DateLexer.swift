/// Cuts a text into words with a meaning: accents and case are dropped, phrases are taken whole, longest first.
struct DateLexer {
    /// Longer texts are no dates.
    static let longestText = 200
    /// Digits: as many as fractions of a second have. A longer number is of no date, and would overflow the arithmetic of one.
    private static let longestNumber = 9

    let language: String

    func words(of text: String) -> [DateWord] {
        let pieces = pieces(of: text)
        var words: [DateWord] = []
        var index = 0
        while index < pieces.count {
            let (meaning, length) = longestPhrase(in: pieces, at: index) ?? ([single(pieces[index])], 1)
            words += meaning
            index += length
        }
        return settled(words)
    }

    private func longestPhrase(in pieces: [String], at start: Int) -> ([DateWord], Int)? {
        for length in stride(from: min(DateLexicon.longestPhrase, pieces.count - start), through: 1, by: -1) {
            // A hyphen joins words ("segunda-feira", "twenty-first") as a space does.
            let phrase = pieces[start..<start + length]
            guard length == 1 || phrase.first != "-" && phrase.last != "-" else { continue }
            let text = phrase.filter { $0 != "-" }.joined(separator: " ")
            if let meaning = DateLexicon.meaning(of: text, language: language) { return (meaning, length) }
        }
        return nil
    }

    private func single(_ piece: String) -> DateWord {
        if piece.count <= Self.longestNumber, let value = Int(piece) {
            return .number(value, digits: piece.count, isOrdinal: false)
        }
        if piece.count == 1, let symbol = piece.first, ":/-.+".contains(symbol) { return .symbol(symbol) }
        return .other(piece)
    }

    /// Makes ordinals of "3 rd", and tomorrow or morning of each "mañana".
    private func settled(_ words: [DateWord]) -> [DateWord] {
        var settled: [DateWord] = []
        for word in words {
            switch (word, settled.last) {
            case (.other("rd"), .number(let value, let digits, _)), (.other("st"), .number(let value, let digits, _)),
                (.other("nd"), .number(let value, let digits, _)), (.other("th"), .number(let value, let digits, _)):
                settled[settled.count - 1] = .number(value, digits: digits, isOrdinal: true)
            case (.manana, .the), (.manana, .this), (.manana, .weekday), (.manana, .dayOffset(1)):
                settled.append(.part(.morning))
            case (.manana, _): settled.append(.dayOffset(1))
            default: settled.append(word)
            }
        }
        return settled
    }

    /// Runs of letters, runs of digits, and the separators of dates and times; all else parts them.
    private func pieces(of text: String) -> [String] {
        var pieces: [String] = []
        var run = ""
        var runIsDigits = false
        for character in Self.folded(text).unicodeScalars {
            let isDigit = ("0"..."9").contains(character)
            if isDigit || ("a"..."z").contains(character) {
                if !run.isEmpty, isDigit != runIsDigits {
                    pieces.append(run)
                    run = ""
                }
                run.unicodeScalars.append(character)
                runIsDigits = isDigit
            } else {
                if !run.isEmpty { pieces.append(run) }
                run = ""
                if ":/-.+".unicodeScalars.contains(character) { pieces.append(String(Character(character))) }
            }
        }
        if !run.isEmpty { pieces.append(run) }
        return Self.withoutAbbreviatingDots(pieces)
    }

    /// A dot counts between two numbers only: "p.m.", "sept." and the end of a sentence lose theirs.
    private static func withoutAbbreviatingDots(_ pieces: [String]) -> [String] {
        pieces.indices.filter { index in
            guard pieces[index] == "." else { return true }
            return index > 0 && index + 1 < pieces.count && Int(pieces[index - 1]) != nil
                && Int(pieces[index + 1]) != nil
        }.map { pieces[$0] }
    }

    /// Lower case without accents: a recognizer of speech writes them or not. Dashes become hyphens.
    static func folded(_ text: String) -> String {
        var folded = ""
        for character in text.lowercased().unicodeScalars {
            switch character {
            case "á", "à", "â", "ã", "ä", "ª": folded += "a"
            case "é", "è", "ê", "ë": folded += "e"
            case "í", "ì", "î", "ï": folded += "i"
            case "ó", "ò", "ô", "õ", "ö": folded += "o"
            case "ú", "ù", "û", "ü": folded += "u"
            case "ñ": folded += "n"
            case "ç": folded += "c"
            case "–", "—", "‐", "‑": folded += "-"
            // Combining accents, and the ordinal sign of "1º".
            case "\u{300}"..."\u{36F}", "º", "°": continue
            default: folded.unicodeScalars.append(character)
            }
        }
        return folded
    }
}
