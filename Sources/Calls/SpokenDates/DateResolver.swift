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
        var part = try onlyPart(terms)
        let minute = try minuteOfDay(terms, part)
        var days = try days(of: terms)
        if days.count == 1, part == nil, minute == nil, terms.contains(.portion(.early)) { part = .morning }
        if days.isEmpty {
            guard part != nil || minute != nil else { throw refusals.notUnderstood }
            days = [isOver(part, minute) ? today + 1 : today]
        }
        return try checked(days, part, minute)
    }

    /// A day and time that came as an instant.
    func resolve(_ instant: Date, in zone: Zone) throws(SpokenDateRefusal) -> SpokenDate {
        let time = zone.civilTime(at: instant)
        var date = try checked([time.daysSince1970], nil, time.hour * 60 + time.minute)
        date.exactInstant = instant
        return date
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
