/// A date and time on a wall clock, without a zone. Gregorian; arithmetic is on proleptic days.
public struct CivilTime: Sendable, Hashable, Comparable {
    public var year: Int
    /// 1 … 12.
    public var month: Int
    /// 1 … 31.
    public var day: Int
    /// 0 … 23.
    public var hour: Int
    /// 0 … 59.
    public var minute: Int
    /// 0 … 59.
    public var second: Int

    public init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// The clock so many seconds after 1970-01-01 00:00:00.
    public init(secondsSince1970 seconds: Int) {
        let days = seconds.flooredQuotient(by: 86_400)
        let rest = seconds - days * 86_400
        self.init(daysSince1970: days)
        hour = rest / 3_600
        minute = rest % 3_600 / 60
        second = rest % 60
    }

    /// Midnight of the day so many days after 1970-01-01.
    ///
    /// Counts in eras of 400 years that start in March, so that the leap day is the last of a year (Howard Hinnant,
    /// "chrono-compatible low-level date algorithms").
    public init(daysSince1970 days: Int) {
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.init(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// The inverse of `init(daysSince1970:)`. A day outside its month counts on into the neighbouring one.
    public var daysSince1970: Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.flooredQuotient(by: 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    public var secondsSince1970: Int { daysSince1970 * 86_400 + hour * 3_600 + minute * 60 + second }

    /// 0 for Monday … 6 for Sunday.
    public var weekday: Int { (daysSince1970 + 3) - (daysSince1970 + 3).flooredQuotient(by: 7) * 7 }

    /// Minutes since Monday 00:00.
    public var minuteOfWeek: Int { weekday * 1_440 + hour * 60 + minute }

    /// Whether the day exists in its month, and the time on a clock.
    public var isValid: Bool {
        (1...12).contains(month) && (1...31).contains(day) && (0...23).contains(hour) && (0...59).contains(minute)
            && (0...59).contains(second) && CivilTime(daysSince1970: daysSince1970).month == month
    }

    /// Midnight of the day so many days later.
    public func startOfDay(adding days: Int = 0) -> CivilTime { CivilTime(daysSince1970: daysSince1970 + days) }

    public static func < (left: CivilTime, right: CivilTime) -> Bool {
        left.secondsSince1970 < right.secondsSince1970
    }
}

extension Int {
    /// The quotient rounded towards negative infinity.
    func flooredQuotient(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}
