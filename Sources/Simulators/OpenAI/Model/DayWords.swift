/// Finds the words with which a caller names a day: "next Tuesday" in "Could we do next Tuesday, please?".
enum DayWords {
    /// Words that name a day by themselves.
    private static let names: Set<String> = Set(
        """
        today tomorrow week monday tuesday wednesday thursday friday saturday sunday
        hoy manana semana lunes martes miercoles jueves viernes sabado domingo
        hoje amanha segunda terca quarta quinta sexta
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    private static let months: Set<String> = Set(
        """
        january february march april may june july august september october november december
        enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
        janeiro fevereiro marco maio junho julho setembro outubro novembro dezembro
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    /// Words that belong to the name of a day when they stand beside one.
    private static let companions: Set<String> = Set(
        """
        the day after next this coming morning afternoon evening in of on
        el la los este esta proximo proxima pasado que viene por de tarde noche dia
        o a na no da depois vem feira manha noite pela
        """.split(whereSeparator: \.isWhitespace).map(String.init))

    /// Companions that a name of a day neither begins nor ends with.
    private static let edges: Set<String> = [
        "in", "on", "of", "de", "por", "pela", "o", "a", "na", "no", "da", "que", "the",
    ]

    /// Words that show that "segunda" is a choice and no Monday.
    private static let choices: Set<String> = ["opcion", "opcao", "alternativa", "hora", "one", "option"]

    /// The words as the caller said them, without punctuation; nil when no day is named.
    static func find(in text: String) -> String? {
        let spoken = text.split { $0.isWhitespace || ",;:!?¿¡()\"".contains($0) }.map { word in
            String(word.hasSuffix(".") ? word.dropLast() : word)
        }
        let plain = spoken.map { SpokenWords($0).words }
        if let date = spoken.first(where: isDate) { return date }
        var start: Int?
        for index in 0...spoken.count {
            if index < spoken.count, isPart(plain, index) {
                start = start ?? index
            } else if let first = start {
                if let range = trimmed(first..<index, plain) { return spoken[range].joined(separator: " ") }
                start = nil
            }
        }
        return nil
    }

    private static func isDate(_ word: String) -> Bool {
        let parts = word.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.count) == [4, 2, 2] && parts.allSatisfy { Int($0) != nil }
    }

    private static func isPart(_ plain: [[String]], _ index: Int) -> Bool {
        !plain[index].isEmpty
            && plain[index].allSatisfy {
                isName($0, plain, index) || companions.contains($0) || months.contains($0) || Int($0) != nil
            }
    }

    private static func isName(_ word: String, _ plain: [[String]], _ index: Int) -> Bool {
        guard names.contains(word) else { return false }
        guard word == "segunda" || word == "quarta" || word == "quinta", index + 1 < plain.count else { return true }
        return !plain[index + 1].contains { choices.contains($0) }
    }

    /// The range without what does not belong at its ends; nil when nothing in it names a day.
    private static func trimmed(_ range: Range<Int>, _ plain: [[String]]) -> Range<Int>? {
        let hasMonth = range.contains { plain[$0].contains { months.contains($0) } }
        let namesDay = hasMonth || range.contains { index in plain[index].contains { isName($0, plain, index) } }
        guard namesDay else { return nil }
        var range = range
        func mayGo(_ index: Int) -> Bool {
            plain[index].allSatisfy { edges.contains($0) || !hasMonth && Int($0) != nil }
        }
        while let first = range.first, mayGo(first), !startsDayAfter(range, plain) { range = range.dropFirst() }
        while let last = range.last, mayGo(last) { range = range.dropLast() }
        return range.isEmpty ? nil : range
    }

    /// "the day after tomorrow" keeps its article.
    private static func startsDayAfter(_ range: Range<Int>, _ plain: [[String]]) -> Bool {
        range.count > 2 && plain[range.lowerBound + 1] == ["day"]
    }
}
