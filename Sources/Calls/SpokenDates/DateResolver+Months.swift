import Platform

/// Days that are named by something else than their weekday.
extension DateResolver {
    /// The days that a term names by itself, or nil: the week and month that others' days are in, times, connectors.
    func days(of term: DateTerm, _ weekdays: [Int], _ context: DateContext) throws(SpokenDateRefusal) -> [Int]? {
        switch term {
        case .day(let offset): [today + offset]
        case .week(let offset): context.week == nil ? week(offset) : nil
        case .inWeeks(let weeks): context.week == nil ? [today + 7 * weeks] : nil
        case .weekend(let offset): weekend(offset)
        case .inMonths(let count): [sameDay(monthsAhead: count)]
        case .month(let offset): context.month == nil ? month(offset) : nil
        case .namedMonth(let month, let year): context.month == nil ? self.month(month, year) : nil
        case .date(let day, let month, let year): [try date(day, month, year)]
        case .dayOfMonth(let day): [try dayOfMonth(day, weekdays.first, context.month)]
        case .nthWeekday(let count, let weekday): [try nth(count, weekday, wholeMonth(context))]
        case .lastDay: Array(wholeMonth(context).suffix(1))
        default: nil
        }
    }

    /// Monday to Friday; on a weekend what is left of this week is the weekend.
    private func week(_ offset: Int) -> [Int] {
        let monday = monday(ofWeek: .offset(offset))
        if offset == 0, today > monday + 4 { return Array(today...monday + 6) }
        return Array(monday...monday + 4)
    }

    private func weekend(_ offset: Int) -> [Int] {
        let monday = monday(ofWeek: .offset(offset))
        return [monday + 5, monday + 6]
    }

    /// The whole month, so many from this one.
    private func month(_ offset: Int) -> [Int] {
        let first = firstOfMonth(offset)
        return month(first.month, first.year)
    }

    private func month(_ month: Int, _ year: Int?) -> [Int] {
        let now = CivilTime(daysSince1970: today)
        let year = year ?? (month < now.month ? now.year + 1 : now.year)
        let first = CivilTime(year: year, month: month, day: 1).daysSince1970
        return Array(first..<first + Self.length(ofMonth: month, year))
    }

    private func firstOfMonth(_ offset: Int) -> CivilTime {
        let now = CivilTime(daysSince1970: today)
        let months = now.year * 12 + now.month - 1 + offset
        return CivilTime(year: months / 12, month: months % 12 + 1, day: 1)
    }

    /// The 31st becomes the last of a shorter month.
    private func sameDay(monthsAhead count: Int) -> Int {
        var time = firstOfMonth(count)
        time.day = min(CivilTime(daysSince1970: today).day, Self.length(ofMonth: time.month, time.year))
        return time.daysSince1970
    }

    /// Without a year the nearest one: what was last month has passed, what was ten months ago comes in two.
    private func date(_ day: Int, _ month: Int, _ year: Int?) throws(SpokenDateRefusal) -> Int {
        let thisYear = CivilTime(daysSince1970: today).year
        let named = CivilTime(year: year ?? thisYear, month: month, day: day)
        guard named.year <= 9_999 else { throw refusals.tooFar(horizonDays) }
        guard (1...12).contains(month), named.year >= 1 else { throw refusals.noSuchDay(named) }
        let years = year.map { [$0] } ?? [thisYear, thisYear + 1]
        let dates = years.map { CivilTime(year: $0, month: month, day: day) }.filter(\.isValid).map(\.daysSince1970)
        // A leap day of next year that is out of reach is no better than none.
        guard let nearest = dates.min(by: { abs($0 - today) < abs($1 - today) }),
            year != nil || named.isValid || nearest <= today + horizonDays
        else { throw refusals.noSuchDay(named) }
        return nearest
    }

    /// The month that was named beside a day of it, else this one.
    private func wholeMonth(_ context: DateContext) -> [Int] {
        switch context.month {
        case .month(let offset): month(offset)
        case .namedMonth(let month, let year): self.month(month, year)
        default: month(0)
        }
    }

    private func nth(_ count: Int, _ weekday: Int, _ days: [Int]) throws(SpokenDateRefusal) -> Int {
        let matching = days.filter { self.weekday(of: $0) == weekday }
        if count < 0, let last = matching.last { return last }
        guard matching.indices.contains(count - 1) else {
            // The fifth Monday of a month that has four would be in the next.
            var beyond = CivilTime(daysSince1970: days[0])
            beyond.day = (matching.first ?? days[0]) - days[0] + 1 + 7 * (count - 1)
            throw refusals.noSuchDay(beyond)
        }
        return matching[count - 1]
    }

    /// The next month that has this day, on the weekday that was said if one was. Where no month of the next three has
    /// it, the first is named in the refusal.
    private func dayOfMonth(_ day: Int, _ weekday: Int?, _ month: DateTerm?) throws(SpokenDateRefusal) -> Int {
        switch month {
        case .month(let offset): return try existing(day, firstOfMonth(offset))
        case .namedMonth(let month, let year): return try date(day, month, year)
        default: break
        }
        guard (1...99).contains(day) else { throw refusals.notUnderstood }
        guard day <= 31 else {
            var time = firstOfMonth(0)
            time.day = day
            throw refusals.noSuchDay(time)
        }
        let candidates = (0...3).compactMap { offset -> Int? in
            var time = firstOfMonth(offset)
            time.day = day
            return time.isValid && time.daysSince1970 >= today ? time.daysSince1970 : nil
        }
        let match = weekday.flatMap { wanted in candidates.prefix(3).first { self.weekday(of: $0) == wanted } }
        guard let first = match ?? candidates.first else { throw refusals.notUnderstood }
        return first
    }

    private func existing(_ day: Int, _ month: CivilTime) throws(SpokenDateRefusal) -> Int {
        var time = month
        time.day = day
        guard time.isValid else { throw refusals.noSuchDay(time) }
        return time.daysSince1970
    }

    static func length(ofMonth month: Int, _ year: Int) -> Int {
        let first = CivilTime(year: year, month: month, day: 1).daysSince1970
        return CivilTime(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1).daysSince1970 - first
    }
}
