/// Times of the day.
extension DateParser {
    /// "at 3 pm", "15:30", "às 15h30", "a las tres y media", "half past two", "quinze para as três", "noon".
    mutating func takeTime() -> Bool {
        if takeLimit() { return true }
        var start = skip([.from, .after, .before, .at], from: 0)
        if start > 0, peek(start) == .the, peek(start + 1) == .noon { start += 1 }
        let announcement = (0..<start).compactMap { peek($0) }
        guard let (time, length) = clock(start, isAnnounced: start > 0, isRange: announcement.contains(.from)) else {
            guard start > 0 else { return false }
            take(start)
            if announcement == [.before] { take(0, .beforeDay) }
            if announcement == [.after] { take(0, .afterDay) }
            return true
        }
        if announcement.contains(.before) {
            take(length, .before(time))
        } else {
            take(length, .time(time))
            takeEndOfRange(after: time)
        }
        return true
    }

    /// "until 3 pm", "hasta las 3", "até o meio-dia": no time to begin with. Spanish and Portuguese "a" leads to a limit only
    /// with an article: "al mediodía" and "à 1h" are times.
    private mutating func takeLimit() -> Bool {
        guard peek() == .to else { return false }
        let start = skip([.at, .the], from: 1)
        guard start > 1 || language == "en",
            let (time, length) = clock(start, isAnnounced: peek(start - 1) == .at, isRange: true)
        else { return false }
        take(length, .before(time))
        return true
    }

    /// The end of "from 2 to 4 pm" is no time to begin with, but tells which half of the day the beginning is in.
    private mutating func takeEndOfRange(after time: ClockTime) {
        guard [.to, .and, .symbol("-")].contains(peek()) else { return }
        let start = skip([.at], from: 1)
        guard let (end, length) = clock(start, isAnnounced: true, isRange: true) else { return }
        take(length)
        guard time.half == nil, let half = end.half, !time.isExact else { return }
        var begin = time
        begin.half = half == .pm && time.hour > end.hour && time.hour < 12 ? .am : half
        replaceLast(.time(begin))
    }

    /// A time of the clock so far ahead, and where the words go on. A bare number is one only when it was announced; in a
    /// range "two to four" is not two minutes before four.
    private func clock(_ ahead: Int, isAnnounced: Bool, isRange: Bool) -> (ClockTime, Int)? {
        let isAndHalf = peek(ahead + 1) == .and && peek(ahead + 2) == .half
        switch peek(ahead) {
        case .noon: return (ClockTime(hour: 12, minute: isAndHalf ? 30 : 0, isExact: true), ahead + (isAndHalf ? 3 : 1))
        case .midnight: return (ClockTime(hour: 0, isExact: true), ahead + 1)
        default: break
        }
        let found = fraction(ahead, isRange) ?? digital(ahead) ?? spoken(ahead, isAnnounced, isRange)
        return found.map { half(of: $0.0, at: $0.1) }
    }

    /// "half past two", "quarter to three", "ten to three", "quinze para as três", "un cuarto para las tres".
    private func fraction(_ ahead: Int, _ isRange: Bool) -> (ClockTime, Int)? {
        let start = number(ahead) == 1 && peek(ahead + 1) == .quarter ? ahead + 1 : ahead
        let minutes: Int
        switch peek(start) {
        // "Half four" is after four o'clock.
        case .half where language == "en" && number(start + 1) != nil && peek(start + 2) != .hours:
            return (ClockTime(hour: number(start + 1) ?? 0, minute: 30), start + 2)
        case .half: minutes = 30
        case .quarter: minutes = 15
        default:
            guard let value = number(start), (1..<60).contains(value) else { return nil }
            minutes = value
        }
        guard let hour = number(start + 2), digits(start + 2) < 3 else { return nil }
        switch peek(start + 1) {
        case .past: return (ClockTime(hour: hour, minute: minutes), start + 3)
        case .minutesTo: return (time(hour, minus: minutes), start + 3)
        case .of where language == "en" && peek(start) == .quarter: return (time(hour, minus: 15), start + 3)
        // "9 to 5" is a range, "ten to three" a time.
        case .to where language == "en" && !isRange && minutes % 5 == 0 && minutes < 30 && digits(start) == 0:
            return (time(hour, minus: minutes), start + 3)
        default: return nil
        }
    }

    /// "15:30", "15:30:00", "15h30", "15h", "3.30 pm".
    private func digital(_ ahead: Int) -> (ClockTime, Int)? {
        guard let hour = number(ahead), (1...2).contains(digits(ahead)) else { return nil }
        let isExact = digits(ahead) == 2 && hour < 10 || hour > 12
        switch peek(ahead + 1) {
        case .symbol(":"), .symbol("."):
            guard let minute = number(ahead + 2), digits(ahead + 2) == 2 else { return nil }
            let hasSeconds = peek(ahead + 3) == .symbol(":") && digits(ahead + 4) == 2
            return (ClockTime(hour: hour, minute: minute, isExact: isExact), ahead + (hasSeconds ? 5 : 3))
        case .hours:
            let minute = digits(ahead + 2) == 2 ? number(ahead + 2) : nil
            return (ClockTime(hour: hour, minute: minute ?? 0, isExact: isExact), ahead + (minute == nil ? 2 : 3))
        default: return nil
        }
    }

    /// "3", "three thirty", "tres y media", "cuatro menos cuarto", "três e quinze".
    private func spoken(_ ahead: Int, _ isAnnounced: Bool, _ isRange: Bool) -> (ClockTime, Int)? {
        guard let hour = number(ahead), digits(ahead) < 3, isAnnounced || isFollowedByItsPart(ahead + 1) else {
            return nil
        }
        let plain = ClockTime(hour: hour, isExact: hour > 12)
        switch peek(ahead + 1) {
        case .and where peek(ahead + 2) == .half: return (ClockTime(hour: hour, minute: 30), ahead + 3)
        case .and where peek(ahead + 2) == .quarter: return (ClockTime(hour: hour, minute: 15), ahead + 3)
        case .and:
            guard let minute = number(ahead + 2), (1..<60).contains(minute), digits(ahead + 2) == 0 || minute > 9,
                !isRange,
                language != "en"
            else { return (plain, ahead + 1) }
            return (ClockTime(hour: hour, minute: minute), ahead + 3)
        case .minus:
            let minutes = peek(ahead + 2) == .quarter ? 15 : number(ahead + 2) ?? 0
            return (time(hour, minus: minutes), ahead + 3)
        case .number(let minute, 0, false) where digits(ahead) == 0 && (10..<60).contains(minute):
            return (ClockTime(hour: hour, minute: minute), ahead + 2)
        // Behind "at 4", the 15 of "4 15" is minutes unless it is a day of some month.
        case .number(let minute, 2, false) where isAnnounced && minute < 60 && minute % 5 == 0 && !isDay(ahead + 1):
            return (ClockTime(hour: hour, minute: minute), ahead + 2)
        default: return (plain, ahead + 1)
        }
    }

    private func isDay(_ ahead: Int) -> Bool {
        switch peek(skip([.of, .the], from: ahead + 1)) {
        case .month, .unit, .symbol: true
        default: false
        }
    }

    private func time(_ hour: Int, minus minutes: Int) -> ClockTime {
        ClockTime(hour: hour == 1 ? 12 : hour - 1, minute: 60 - minutes)
    }

    /// "pm", "horas", "y media", "de la tarde", "to 11 am", "in the morning": what makes a time of the number before it.
    private func isFollowedByItsPart(_ ahead: Int) -> Bool {
        switch peek(ahead) {
        case .am, .pm, .hours: return true
        case .and: return peek(ahead + 1) == .half || peek(ahead + 1) == .quarter
        case .to, .symbol("-"): return number(ahead + 1) != nil && [.am, .pm, .hours].contains(peek(ahead + 2))
        case .of, .in:
            guard !isOrdinal(ahead - 1), ![.the, .unit(.day)].contains(peek(ahead - 2)),
                case .part? = peek(skip([.the], from: ahead + 1))
            else { return false }
            return true
        default: return false
        }
    }

    /// "o'clock", "horas" and "am", "pm" behind a time.
    private func half(of time: ClockTime, at end: Int) -> (ClockTime, Int) {
        var time = time
        let end = skip([.hours], from: end)
        switch peek(end) {
        case .am: time.half = .am
        case .pm: time.half = .pm
        default: return (time, end)
        }
        return (time, end + 1)
    }
}
