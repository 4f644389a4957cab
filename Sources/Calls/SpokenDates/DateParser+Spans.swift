/// Lengths of time from now, and weeks, months and weekdays with a qualifier.
extension DateParser {
    /// "in 3 days", "dentro de una semana", "2 weeks from Tuesday", "a week on Friday", "3 days ago", "in half an hour".
    mutating func takeSpan() -> Bool {
        if takeHours() { return true }
        let start = peek() == .in ? 1 : 0
        guard let count = number(start), count <= Self.longestSpan else { return false }
        guard case .unit(let unit)? = peek(start + 1) else { return false }
        let end = start + 2
        switch peek(end) {
        case .ago: take(end + 1, .day(offset: -max(1, count)))
        case .in where start == 0: take(end + 1, span(count, unit))
        case .from where unit != .month: take(end + 1, .daysAfter(unit == .day ? count : 7 * count))
        case .on where start == 0 && unit == .week && isWeekday(end + 1): take(end + 1, .daysAfter(7 * count))
        default:
            guard start == 1 else { return false }
            take(end, span(count, unit))
        }
        return true
    }

    private static let longestSpan = 10_000

    private func isWeekday(_ ahead: Int) -> Bool { if case .weekday? = peek(ahead) { true } else { false } }

    /// A length of time before or after now that is not counted in days; without a word for that it is a time of the clock.
    private mutating func takeHours() -> Bool {
        let start = peek() == .in ? 1 : 0
        guard let (minutes, end) = minutes(start) else { return false }
        switch peek(end) {
        case .ago: take(end + 1, .inMinutes(-minutes))
        case .in where start == 0: take(end + 1, .inMinutes(minutes))
        default:
            guard start == 1 else { return false }
            take(end, .inMinutes(minutes))
        }
        return true
    }

    /// "40 minutes", "two hours", "una hora y media", "two and a half hours", "half an hour", and where the words go on.
    private func minutes(_ ahead: Int) -> (Int, end: Int)? {
        if peek(ahead) == .half {
            let at = number(ahead + 1) == 1 ? ahead + 2 : ahead + 1
            return peek(at) == .hours ? (30, at + 1) : nil
        }
        guard let count = number(ahead), count <= Self.longestSpan else { return nil }
        if let half = afterHalf(ahead + 1), peek(half) == .hours { return (60 * count + 30, half + 1) }
        switch peek(ahead + 1) {
        case .minutes: return (count, ahead + 2)
        case .hours:
            let half = afterHalf(ahead + 2)
            return (60 * count + (half == nil ? 0 : 30), half ?? ahead + 2)
        default: return nil
        }
    }

    /// Behind "and a half".
    private func afterHalf(_ ahead: Int) -> Int? {
        guard peek(ahead) == .and else { return nil }
        let at = number(ahead + 1) == 1 ? ahead + 2 : ahead + 1
        return peek(at) == .half ? at + 1 : nil
    }

    private func span(_ count: Int, _ unit: DateWord.Unit) -> DateTerm {
        switch unit {
        case .day: .day(offset: count)
        case .week: .inWeeks(count)
        case .weekend: .weekend(offset: count)
        case .month: .inMonths(count)
        }
    }

    /// "next week", "semana que vem", "este fin de semana", "el próximo martes", "this afternoon", "último viernes".
    mutating func takeQualified() -> Bool {
        if case .unit(let unit)? = peek(), unit != .day, let offset = offset(peek(1)) {
            take(2, period(unit, offset))
            return true
        }
        var at = 0
        var offset: Int?
        while let next = self.offset(peek(at)) {
            offset = max(next, offset ?? next)
            at += 1
        }
        guard let offset else { return takePlainPeriod() }
        switch peek(at) {
        case .unit(let unit) where unit != .day: take(at + 1, period(unit, offset))
        case .weekday(let day):
            take(at + 1, .weekday(day, offset < 0 ? .last : offset == 0 ? .this : .coming))
        case .part(let part) where offset == 0: take(at + 1, .day(offset: 0), .part(part))
        default: take(at)
        }
        return true
    }

    /// "the weekend"; "the week", "fin de mes" and "mediados del mes" mean this one.
    private mutating func takePlainPeriod() -> Bool {
        switch peek() {
        case .unit(.weekend): take(1, .weekend(offset: 0))
        case .unit(.week) where peek(1) == .of && !isAfterPortion: takeWeekOf()
        case .unit(.week) where isAfterPortion: take(1, .week(offset: 0))
        case .unit(.month) where isAfterPortion || isAfterPartOfMonth: take(1, .month(offset: 0))
        default: return false
        }
        return true
    }

    private func offset(_ word: DateWord?) -> Int? {
        switch word {
        case .this: 0
        case .next: 1
        case .last: -1
        default: nil
        }
    }

    private func period(_ unit: DateWord.Unit, _ offset: Int) -> DateTerm {
        switch unit {
        case .week: .week(offset: offset)
        case .weekend: .weekend(offset: offset)
        case .month: .month(offset: offset)
        case .day: .day(offset: offset)
        }
    }

    /// "the week of the 19th", "la semana del 20 de enero".
    private mutating func takeWeekOf() {
        take(skip([.of, .the, .on, .unit(.day)], from: 1), .wholeWeek)
        guard !takeMonthDate(), let day = number() else { return }
        take(1, .dayOfMonth(day))
    }

    /// "the first Monday of", "el último viernes de", "the last day of", when a month follows.
    mutating func takeOfMonth() -> Bool {
        let start = skip([.on, .the], from: 0)
        if peek(start) == .lastDay {
            guard namesMonth(start + 1) else { return false }
            take(start + 1, .lastDay)
            return true
        }
        guard let count = ordinal(start), case .weekday(let day)? = peek(start + 1), namesMonth(start + 2) else {
            return false
        }
        take(start + 2, .nthWeekday(count, day))
        return true
    }

    /// 1 … 5, or -1 for the last. In Portuguese the second, fourth and fifth are called as weekdays are.
    private func ordinal(_ ahead: Int) -> Int? {
        switch peek(ahead) {
        case .last: -1
        case .nth(let count): count
        case .number(let count, _, true) where (1...5).contains(count): count
        case .weekday(let day) where language == "pt" && [0, 2, 3].contains(day): day + 2
        default: nil
        }
    }

    /// "of February", "do mês que vem", "of next month".
    private func namesMonth(_ ahead: Int) -> Bool {
        let at = skip([.of, .the, .next, .this], from: ahead)
        guard at > ahead, peek(ahead) == .of else { return false }
        if case .month? = peek(at) { return true }
        return peek(at) == .unit(.month)
    }

    private var isAfterPartOfMonth: Bool {
        switch terms.last {
        case .nthWeekday, .lastDay: true
        default: false
        }
    }

    private var isAfterPortion: Bool {
        if case .portion? = terms.last { true } else { false }
    }
}
