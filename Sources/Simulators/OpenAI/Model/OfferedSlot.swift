import Platform

/// A time that the calendar tool offered.
struct OfferedSlot: Sendable, Hashable {
    /// ISO 8601, as the tool gave it and wants it back.
    var datetime: String
    /// For the caller's ears.
    var display: String

    /// The slots of a tool's result, in whichever list it gives them.
    static func read(_ result: JSON) -> [OfferedSlot] {
        for list in ["available_slots", "alternatives", "slots"] {
            let slots = (result[list]?.array ?? []).compactMap { slot -> OfferedSlot? in
                guard let datetime = slot["datetime"]?.string else { return nil }
                return OfferedSlot(datetime: datetime, display: slot["display"]?.string ?? datetime)
            }
            if !slots.isEmpty { return slots }
        }
        return []
    }
}

/// Finds out which of the offered slots a caller wants.
struct SlotChoice {
    let offered: [OfferedSlot]

    /// Nil when no choice was made, or none that can be told from the others.
    func choice(in text: String) -> OfferedSlot? {
        guard !offered.isEmpty else { return nil }
        let words = SpokenWords(text)
        if let index = ordinal(words) { return offered.indices.contains(index) ? offered[index] : nil }
        if let slot = byTime(text, words) { return slot }
        return words.contain(Self.anyPhrases) ? offered.first : nil
    }

    private static let last: Phrases = ["last one", "the last", "la ultima", "el ultimo", "a ultima", "o ultimo"]

    private static let anyPhrases: Phrases = [
        "any of them", "either", "whichever", "whatever you prefer", "cualquiera", "la que sea", "qualquer um",
        "qualquer uma",
    ]

    private static let ordinals: [Phrases] = [
        [
            "first one", "the first", "first option", "option one", "la primera", "el primero", "a primeira",
            "o primeiro",
        ],
        [
            "second one", "the second", "second option", "option two", "la segunda", "el segundo", "a segunda opcao",
            "o segundo", "segunda opcion", "a segunda alternativa",
        ],
        [
            "third one", "the third", "third option", "option three", "la tercera", "el tercero", "a terceira",
            "o terceiro",
        ],
    ]

    private func ordinal(_ words: SpokenWords) -> Int? {
        if words.contain(Self.last) { return offered.count - 1 }
        return Self.ordinals.firstIndex { words.contain($0) }
    }

    /// By a clock time, and a weekday when one is said as well.
    private func byTime(_ text: String, _ words: SpokenWords) -> OfferedSlot? {
        let times = ClockTimes.find(in: text)
        guard !times.isEmpty else { return nil }
        let matching = offered.filter { !times.isDisjoint(with: ClockTimes.find(in: $0.display)) }
        let weekdays = words.words.filter { Self.weekdays.contains($0) }
        let exact = matching.filter { slot in
            weekdays.isEmpty || SpokenWords(slot.display).words.contains { weekdays.contains($0) }
        }
        return exact.first
    }

    private static let weekdays: Set<String> = Set(
        """
        monday tuesday wednesday thursday friday saturday sunday lunes martes miercoles jueves viernes sabado domingo
        segunda terca quarta quinta sexta
        """.split(whereSeparator: \.isWhitespace).map(String.init))
}
