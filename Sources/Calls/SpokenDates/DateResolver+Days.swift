import Platform

/// From terms to days.
extension DateResolver {
    /// The days that the terms name together; none when they name no day.
    func days(of terms: [DateTerm]) throws(SpokenDateRefusal) -> [Int] {
        let context = DateContext(terms)
        var all: [Int] = []
        var connector: DateTerm?
        for segment in Self.segments(terms) {
            guard let named = try days(ofSegment: segment, context) else {
                if let last = segment.last, last == .to || last == .or { connector = last }
                continue
            }
            if connector == .to, let first = all.first, var last = named.last {
                // "Friday to Tuesday": the end is the first such day after the beginning.
                while last < first, segment.contains(where: \.isWeekday) { last += 7 }
                all += first <= last && last - first <= 366 ? Array(first...last) : named
            } else {
                all += named
            }
            connector = segment.last
        }
        return portion(of: Set(all).sorted(), terms)
    }

    /// Splits after each connector, which ends its segment.
    private static func segments(_ terms: [DateTerm]) -> [[DateTerm]] {
        var segments: [[DateTerm]] = [[]]
        for term in terms {
            segments[segments.count - 1].append(term)
            if term == .to || term == .or { segments.append([]) }
        }
        return segments
    }

    private func portion(of days: [Int], _ terms: [DateTerm]) -> [Int] {
        let third = (days.count + 2) / 3
        for case .portion(let portion) in terms where days.count > 1 {
            switch portion {
            case .early: return Array(days.prefix(third))
            case .middle: return Array(days.dropFirst(third).dropLast(third))
            case .late: return Array(days.suffix(third))
            }
        }
        return days
    }

    /// Nil when the segment names no day, or only says in which week or month another's days are.
    private func days(ofSegment terms: [DateTerm], _ context: DateContext) throws(SpokenDateRefusal) -> [Int]? {
        let weekdays = terms.compactMap(\.weekday)
        var named: [Int]?
        for term in terms {
            if let days = try days(of: term, weekdays, context) {
                named = days
                break
            }
        }
        guard var days = named ?? weekdayDays(terms, context) else { return nil }
        if let weekday = weekdays.first, named != nil, days.count == 1, self.weekday(of: days[0]) != weekday {
            throw refusals.weekdayMismatch(CivilTime(daysSince1970: days[0]), said: weekday)
        }
        for term in terms {
            switch term {
            case .daysAfter(let count): days = days.map { $0 + count }
            case .beforeDay: days = Array(today..<min(max(today + 1, days[0]), today + horizonDays + 1))
            case .afterDay: days = [days[days.count - 1] + 1]
            case .wholeWeek where days.count == 1:
                let monday = days[0] - self.weekday(of: days[0])
                days = Array(monday...monday + 4)
            default: break
            }
        }
        return days
    }

    private func weekdayDays(_ terms: [DateTerm], _ context: DateContext) -> [Int]? {
        let days = terms.compactMap { term -> Int? in
            guard case .weekday(let weekday, let which) = term else { return nil }
            if let week = context.week { return monday(ofWeek: week) + weekday }
            return day(of: weekday, which)
        }
        return days.isEmpty ? nil : days
    }

    private func day(of weekday: Int, _ which: DateTerm.Which) -> Int {
        let ahead = (weekday - self.weekday(of: today) + 7) % 7
        return switch which {
        case .this: today + ahead
        case .coming: today + (ahead == 0 ? 7 : ahead)
        case .last: today + ahead - 7
        }
    }

    func weekday(of day: Int) -> Int { CivilTime(daysSince1970: day).weekday }

    func monday(ofWeek week: DateContext.Week) -> Int {
        switch week {
        case .offset(let weeks): today - weekday(of: today) + 7 * weeks
        case .days(let days): today + days - weekday(of: today + days)
        }
    }
}

/// What a date says of the week or month that its days are in, wherever it says so: "Tuesday or Thursday next week".
struct DateContext {
    enum Week {
        case offset(Int)
        case days(Int)
    }
    /// Set when weekdays are to be looked for in it.
    var week: Week?
    /// Set when days of the month are to be looked for in it.
    var month: DateTerm?

    init(_ terms: [DateTerm]) {
        let namesWeekday = terms.contains(where: \.isWeekday)
        let namesDayOfMonth = terms.contains(where: \.isDayOfMonth)
        for term in terms {
            switch term {
            case .week(let offset) where namesWeekday: week = .offset(offset)
            case .inWeeks(let weeks) where namesWeekday: week = .days(7 * weeks)
            case .month where namesDayOfMonth, .namedMonth where namesDayOfMonth: month = term
            default: break
            }
        }
    }
}

extension DateTerm {
    var weekday: Int? { if case .weekday(let day, _) = self { day } else { nil } }
    var isWeekday: Bool { weekday != nil }
    /// Whether a month that is named beside it says where to look for it.
    var isDayOfMonth: Bool {
        switch self {
        case .dayOfMonth, .nthWeekday, .lastDay: true
        default: false
        }
    }
}
