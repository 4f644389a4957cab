import FoundationEssentials
import Platform

/// Puts the terms of a spoken date in relation to today. Days are counted from 1970-01-01 here.
struct DateResolver {
    let today: Int
    let minuteNow: Int
    let horizonDays: Int
    let refusals: DateRefusals

    /// A named weekday is one of this or the next week; whether a day exists, lies behind us or too far ahead is for the
    /// caller to be told, never to be guessed.
    func resolve(_ terms: [DateTerm]) throws(SpokenDateRefusal) -> SpokenDate {
        if let later = inHours(terms) { return try checked([today + later / 1_440], nil, later % 1_440) }
        let part = try onlyPart(terms)
        let minute = try minuteOfDay(terms, part)
        var days = try days(of: terms)
        if days.isEmpty {
            guard part != nil || minute != nil else { throw refusals.notUnderstood }
            days = [isOver(part, minute) ? today + 1 : today]
        }
        return try checked(days, part, minute)
    }

    /// A day and time that came as an instant.
    func resolve(_ instant: CivilTime) throws(SpokenDateRefusal) -> SpokenDate {
        try checked([instant.daysSince1970], nil, instant.hour * 60 + instant.minute)
    }

    private func checked(
        _ days: [Int], _ part: PartOfDay?, _ minute: Int?
    ) throws(SpokenDateRefusal) -> SpokenDate {
        let days = Set(days).sorted()
        let ahead = days.filter { $0 > today || $0 == today && !isOver(part, minute) }
        guard let first = ahead.first else {
            throw days.last == today ? refusals.pastTime : refusals.past(CivilTime(daysSince1970: days.last ?? today))
        }
        guard first <= today + horizonDays else { throw refusals.tooFar(horizonDays) }
        let within = ahead.prefix { $0 <= today + horizonDays }
        return SpokenDate(days: within.map { CivilTime(daysSince1970: $0) }, partOfDay: part, minuteOfDay: minute)
    }

    /// Whether nothing is left today of what was named.
    private func isOver(_ part: PartOfDay?, _ minute: Int?) -> Bool {
        if let minute { minute <= minuteNow } else { (part?.minutes.upperBound ?? 1_440) <= minuteNow }
    }

    private func inHours(_ terms: [DateTerm]) -> Int? {
        for case .inHours(let hours) in terms { return minuteNow + hours * 60 }
        return nil
    }

    /// "Morning or afternoon" is neither; "before noon" is the morning.
    private func onlyPart(_ terms: [DateTerm]) throws(SpokenDateRefusal) -> PartOfDay? {
        var parts: Set<PartOfDay> = []
        for term in terms {
            switch term {
            case .part(let part): parts.insert(part)
            case .before(let time):
                guard let minute = time.minuteOfDay(on: nil) else { throw refusals.noSuchTime }
                if minute <= PartOfDay.morning.minutes.upperBound { parts.insert(.morning) }
            default: break
            }
        }
        return parts.count == 1 ? parts.first : nil
    }

    private func minuteOfDay(_ terms: [DateTerm], _ part: PartOfDay?) throws(SpokenDateRefusal) -> Int? {
        for case .time(let time) in terms {
            guard let minute = time.minuteOfDay(on: part) else { throw refusals.noSuchTime }
            return minute
        }
        return nil
    }
}
