public import FoundationEssentials
public import Platform

/// A day, or several, that someone named, with what they said of the time.
public struct SpokenDate: Sendable, Hashable {
    /// Midnights on the speaker's wall clock, in order, at least one, none before today.
    public var days: [CivilTime]
    public var partOfDay: PartOfDay?
    /// Minutes since midnight, when a clock time was said.
    public var minuteOfDay: Int?
    /// Set when an instant was named, with an offset or as "in two hours": in an hour that clocks repeat, the day and the
    /// minute alone would mean the first time.
    public var exactInstant: Date?

    public init(days: [CivilTime], partOfDay: PartOfDay? = nil, minuteOfDay: Int? = nil) {
        self.days = days
        self.partOfDay = partOfDay
        self.minuteOfDay = minuteOfDay
    }

    /// The one instant that was named: a clock time on a single day.
    public func instant(in zone: Zone) -> Date? {
        if let exactInstant { return exactInstant }
        guard let day = days.first, days.count == 1, let minute = minuteOfDay else { return nil }
        return zone.date(of: day.atMinute(minute))
    }

    /// Where to look for a time, in order: each day as a whole, its part of the day, or what is left of it from the
    /// time that was said.
    public func windows(in zone: Zone) -> [Range<Date>] {
        let minutes = minuteOfDay.map { $0..<1_440 } ?? partOfDay?.minutes ?? 0..<1_440
        return days.map { day in
            let start = exactInstant ?? zone.date(of: day.atMinute(minutes.lowerBound))
            return start..<zone.date(of: day.atMinute(minutes.upperBound))
        }
    }
}

/// A third of the day that business is done in.
public enum PartOfDay: String, Sendable, Hashable, Codable, CaseIterable {
    case morning, afternoon, evening

    /// Minutes since midnight: to 12:00, to 18:00, to 24:00.
    public var minutes: Range<Int> {
        switch self {
        case .morning: 0..<720
        case .afternoon: 720..<1_080
        case .evening: 1_080..<1_440
        }
    }
}

/// Why no day could be made of what was said. `text` tells the caller, in their language.
public struct SpokenDateRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        case notUnderstood = "not_understood"
        /// Such as February 30.
        case noSuchDay = "no_such_day"
        /// Such as 25:00.
        case noSuchTime = "no_such_time"
        case past
        /// Beyond the horizon.
        case tooFar = "too_far"
        /// Such as "Friday, March 3" when that is a Tuesday.
        case weekdayMismatch = "weekday_mismatch"
    }
    public let reason: Reason
    public let text: String
    public var description: String { "\(reason.rawValue): \(text)" }
}

extension CivilTime {
    /// This day at so many minutes after midnight; 1,440 is the next midnight.
    func atMinute(_ minute: Int) -> CivilTime {
        CivilTime(secondsSince1970: daysSince1970 * 86_400 + minute * 60)
    }
}
