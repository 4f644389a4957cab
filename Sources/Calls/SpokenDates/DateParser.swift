/// The grammar of spoken dates: finds the terms in a row of words, from left to right, the longest reading first. Words
/// that mean nothing here are passed over, so that "could we do Tuesday, please" is a Tuesday.
struct DateParser {
    private let words: [DateWord]
    let language: String
    private var position = 0
    private(set) var terms: [DateTerm] = []

    private init(_ words: [DateWord], language: String) {
        self.words = words
        self.language = language
    }

    /// Nil when the text says what is *not* meant: guessing would do harm.
    static func terms(of words: [DateWord], language: String) -> [DateTerm]? {
        guard !words.contains(.negation) else { return nil }
        var parser = DateParser(words, language: language)
        while parser.position < words.count { parser.step() }
        if parser.terms.isEmpty, case .number(let day, _, _)? = words.first, words.count == 1 {
            return [.dayOfMonth(day)]
        }
        return parser.terms
    }

    /// The word so far ahead.
    func peek(_ ahead: Int = 0) -> DateWord? {
        words.indices.contains(position + ahead) ? words[position + ahead] : nil
    }

    func number(_ ahead: Int = 0) -> Int? {
        if case .number(let value, _, _)? = peek(ahead) { value } else { nil }
    }

    func digits(_ ahead: Int = 0) -> Int {
        if case .number(_, let digits, _)? = peek(ahead) { digits } else { 0 }
    }

    func isOrdinal(_ ahead: Int = 0) -> Bool {
        if case .number(_, _, true)? = peek(ahead) { true } else { false }
    }

    /// How many of `fillers` stand from `ahead` on.
    func skip(_ fillers: Set<DateWord>, from ahead: Int) -> Int {
        var ahead = ahead
        while let word = peek(ahead), fillers.contains(word) { ahead += 1 }
        return ahead
    }

    mutating func take(_ length: Int, _ found: DateTerm...) {
        position += length
        terms += found
    }

    mutating func replaceLast(_ term: DateTerm) { terms[terms.count - 1] = term }

    private mutating func step() {
        if takeWrittenDate() || takeMonthDate() || takeSpan() || takeOfMonth() || takeQualified() || takeTime() {
            return
        }
        switch peek() {
        case .dayOffset(let days): takeDay(days)
        case .now where isAfterWeekday: take(1)
        case .now: take(1, .day(offset: 0))
        case .afterNext: take(1, .daysAfter(7))
        case .weekOffset(let weeks): take(1, .week(offset: weeks))
        case .weekday(let day): takeWeekday(day)
        case .part(let part): take(1, .part(part))
        case .to, .symbol("-"): take(1, .to)
        case .or, .and: take(1, .or)
        case .early: take(1, .portion(.early))
        case .middle: take(1, .portion(.middle))
        case .late: take(1, .portion(.late))
        default: takeDayOfMonth()
        }
    }

    /// "tomorrow"; "tomorrow week" is a week after.
    private mutating func takeDay(_ offset: Int) {
        let isWeekLater = language == "en" && peek(1) == .unit(.week)
        take(isWeekLater ? 2 : 1, .day(offset: isWeekLater ? offset + 7 : offset))
    }

    /// "martes que viene", "Friday", "martes pasado", "Tuesday week".
    private mutating func takeWeekday(_ day: Int) {
        // In "Tuesday next week" it is the week that is the next.
        let isPeriod = if case .unit? = peek(2) { true } else { false }
        switch peek(1) {
        case .next where !isPeriod: take(2, .weekday(day, .coming))
        case .last where !isPeriod: take(2, .weekday(day, .last))
        case .unit(.week) where language == "en" && peek(2) != .next: take(2, .weekday(day, .coming), .daysAfter(7))
        default: take(1, .weekday(day, .coming))
        }
    }

    /// "dia 15", "el 15", "the 15th", "15th"; after a weekday or before "of the month" a bare number will do.
    private mutating func takeDayOfMonth() {
        let start = skip([.on, .the, .unit(.day)], from: 0)
        let isAnnounced = start > 0 || isAfterWeekday
        guard let day = number(start), isAnnounced || isOrdinal(start), !isCounting(start + 1) else {
            take(max(start, 1))
            return
        }
        // The days of "the 3rd or the 5th" and "del 3 al 5" are of one kind.
        take(start + 1, .dayOfMonth(day))
        if [.to, .or, .and, .symbol("-")].contains(peek()), let last = number(skip([.on, .the], from: 1)),
            (1...31).contains(last), !isCounting(skip([.on, .the], from: 1) + 1)
        {
            take(
                skip([.on, .the], from: 1) + 1, peek() == .to || peek() == .symbol("-") ? .to : .or, .dayOfMonth(last))
        }
    }

    private var isAfterWeekday: Bool {
        guard case .weekday? = terms.last else { return false }
        return true
    }

    /// Whether a number before this word counts something, or is a time.
    private func isCounting(_ ahead: Int) -> Bool {
        switch peek(ahead) {
        case .unit, .hours, .am, .pm, .symbol(":"): true
        default: false
        }
    }
}
