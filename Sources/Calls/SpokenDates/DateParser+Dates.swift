import Platform

/// Dates that name a month, in digits or by name.
extension DateParser {
    /// "2026-03-12" with or without a time behind it, "3/12", "12.3.2026".
    mutating func takeWrittenDate() -> Bool {
        guard let first = number(), digits() > 0, case .symbol(let separator)? = peek(1), "/-.".contains(separator),
            let second = number(2), digits(2) > 0
        else { return false }
        let third = peek(3) == .symbol(separator) && digits(4) > 0 ? number(4) : nil
        if let third, digits() == 4 {
            take(5, .date(day: third, month: second, year: first))
            takeTimeOfISO()
            return true
        }
        // "3.12" alone is rather a time, "2-4" rather a range; "3-12-2026" is a date.
        guard separator == "/" || third != nil else { return false }
        let (day, month) = dayAndMonth(first, second)
        let year = third.map { digits(4) == 2 ? 2_000 + $0 : $0 }
        take(third == nil ? 3 : 5, .date(day: day, month: month, year: year))
        return true
    }

    /// Month first in English, day first elsewhere; the other way round where only that makes a month.
    private func dayAndMonth(_ first: Int, _ second: Int) -> (day: Int, month: Int) {
        let monthFirst = language == "en"
        if monthFirst { return first > 12 && second <= 12 ? (first, second) : (second, first) }
        return second > 12 && first <= 12 ? (second, first) : (first, second)
    }

    /// "T14:00", "T14:00:00-06:00", "T20:00:00Z" behind a date in the ISO order, which then is the last term.
    private mutating func takeTimeOfISO() {
        guard peek() == .symbol("T"), let hour = number(1), peek(2) == .symbol(":"), let minute = number(3),
            let date = terms.last, case .date(let day, let month, let year?) = date
        else { return }
        var length = 4
        var second = 0
        if peek(length) == .symbol(":"), let value = number(length + 1) {
            second = value
            length += 2
            if peek(length) == .symbol("."), number(length + 1) != nil { length += 2 }
        }
        guard let (offset, offsetLength) = offsetOfISO(length) else {
            take(length, .time(ClockTime(hour: hour, minute: minute, isExact: true)))
            return
        }
        let time = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        if time.isValid {
            take(length + offsetLength, .instant(secondsSince1970: time.secondsSince1970 - offset))
        } else {
            take(length + offsetLength, .time(ClockTime(hour: hour, minute: minute, isExact: true)))
        }
    }

    /// "Z", "-06:00", "+0530" or "-03", in seconds east of UTC, and how many words it is.
    private func offsetOfISO(_ ahead: Int) -> (seconds: Int, words: Int)? {
        if peek(ahead) == .symbol("Z") { return (0, 1) }
        guard case .symbol(let sign)? = peek(ahead), "+-".contains(sign), let value = number(ahead + 1) else {
            return nil
        }
        let direction = sign == "-" ? -1 : 1
        if peek(ahead + 2) == .symbol(":"), let minutes = number(ahead + 3) {
            return (direction * (value * 3_600 + minutes * 60), 4)
        }
        let hours = digits(ahead + 1) > 2 ? value / 100 : value
        let minutes = digits(ahead + 1) > 2 ? value % 100 : 0
        return (direction * (hours * 3_600 + minutes * 60), 2)
    }

    /// "15 de marzo de 2026", "del 3 al 5 de marzo", "March 3rd", "March 3-5", "in March".
    mutating func takeMonthDate() -> Bool { takeDayThenMonth() || takeMonthThenDay() }

    private mutating func takeDayThenMonth() -> Bool {
        let start = skip([.on, .the, .unit(.day)], from: 0)
        guard let day = number(start), (1...99).contains(day) else { return false }
        var monthAt = skip([.of, .the], from: start + 1)
        var last: (day: Int, connector: DateTerm)?
        if let connector = connector(start + 1) {
            let at = skip([.the, .on, .unit(.day)], from: start + 2)
            if let value = number(at) {
                last = (value, connector)
                monthAt = skip([.of, .the], from: at + 1)
            }
        }
        guard case .month(let month, _)? = peek(monthAt) else { return false }
        let (year, length) = year(after: monthAt + 1)
        take(length, .date(day: day, month: month, year: year))
        if let last { take(0, last.connector, .date(day: last.day, month: month, year: year)) }
        return true
    }

    private mutating func takeMonthThenDay() -> Bool {
        guard case .month(let month, let isShort)? = peek() else { return false }
        let at = skip([.the], from: 1)
        guard let day = number(at), digits(at) != 4, !isTime(at) else { return takeMonthAlone(month, isShort) }
        var length = at + 1
        var last: (day: Int, connector: DateTerm)?
        if let connector = connector(length), let value = number(skip([.the], from: length + 1)),
            !isTime(skip([.the], from: length + 1))
        {
            last = (value, connector)
            length = skip([.the], from: length + 1) + 1
        }
        let (year, end) = year(after: length)
        take(end, .date(day: day, month: month, year: year))
        if let last { take(0, last.connector, .date(day: last.day, month: month, year: year)) }
        return true
    }

    /// A short name by itself may be another word, unless something before it says that it is a month.
    private mutating func takeMonthAlone(_ month: Int, _ isShort: Bool) -> Bool {
        guard !isShort || [.in, .of, .next, .this].contains(peek(-1)) else { return false }
        let (year, length) = year(after: 1)
        take(length, .namedMonth(month, year: year))
        return true
    }

    /// Four digits, with or without "de", and where the words go on.
    private func year(after ahead: Int) -> (year: Int?, length: Int) {
        let at = skip([.of], from: ahead)
        guard let year = number(at), digits(at) == 4, (1_900...2_999).contains(year) else { return (nil, ahead) }
        return (year, at + 1)
    }

    private func connector(_ ahead: Int) -> DateTerm? {
        switch peek(ahead) {
        case .to, .symbol("-"): .to
        case .or, .and: .or
        default: nil
        }
    }

    private func isTime(_ ahead: Int) -> Bool {
        switch peek(ahead + 1) {
        case .am, .pm, .hours, .symbol(":"): true
        default: false
        }
    }
}
