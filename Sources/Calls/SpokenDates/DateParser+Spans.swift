/// Lengths of time from now, and weeks, months and weekdays with a qualifier.
extension DateParser {
    /// "in 3 days", "dentro de una semana", "2 weeks from Tuesday", "3 days ago".
    mutating func takeSpan() -> Bool {
        let start = peek() == .in ? 1 : 0
        guard let count = number(start), count <= 1_000 else { return false }
        if peek(start + 1) == .hours, start == 1 {
            take(3, .inHours(count))
            return true
        }
        guard case .unit(let unit)? = peek(start + 1) else { return false }
        let end = start + 2
        switch peek(end) {
        case .ago: take(end + 1, .day(offset: -max(1, count)))
        case .in where start == 0: take(end + 1, span(count, unit))
        case .from where unit != .month: take(end + 1, .daysAfter(unit == .day ? count : 7 * count))
        default:
            guard start == 1 else { return false }
            take(end, span(count, unit))
        }
        return true
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
        case .unit(.week) where isAfterPortion: take(1, .week(offset: 0))
        case .unit(.month) where isAfterPortion: take(1, .month(offset: 0))
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

    private var isAfterPortion: Bool {
        if case .portion? = terms.last { true } else { false }
    }
}
