/// A part of a spoken date that the grammar found, not yet put in relation to today.
enum DateTerm: Hashable {
    /// Days from today.
    case day(offset: Int)
    /// 0 for Monday … 6 for Sunday, `which` as it was qualified.
    case weekday(Int, Which)
    /// Monday to Friday of this week (0), the next (1) …
    case week(offset: Int)
    /// So many weeks from today: that day, or with a weekday, in that week.
    case inWeeks(Int)
    /// So many months from today, on the same day of the month.
    case inMonths(Int)
    case weekend(offset: Int)
    /// The whole month, counted from this one.
    case month(offset: Int)
    /// The whole of the next month of this name.
    case namedMonth(Int, year: Int?)
    case date(day: Int, month: Int, year: Int?)
    /// The next day of the month with this number.
    case dayOfMonth(Int)
    /// The first, second … of these weekdays of the month that follows; -1 is the last.
    case nthWeekday(Int, Int)
    /// Of the month that follows.
    case lastDay
    /// Monday to Friday of the week that the day that follows is in.
    case wholeWeek
    /// So many days after the day that follows.
    case daysAfter(Int)
    case part(PartOfDay)
    case time(ClockTime)
    /// So many minutes from now; negative is before now.
    case inMinutes(Int)
    /// An instant with its own offset from UTC.
    case instant(secondsSince1970: Int)
    /// A time that bounds what is wanted from above: it names no time to begin with.
    case before(ClockTime)
    /// The first, middle or last third of the days that are meant.
    case portion(Portion)
    case to, or
    /// Not the day that follows, but those before it, or the one after it.
    case beforeDay, afterDay

    enum Which: Hashable { case coming, this, last }
    enum Portion: Hashable { case early, middle, late }
}

/// A time as it was said: "at 3" may be either half of the day.
struct ClockTime: Hashable {
    enum Half: Hashable { case am, pm }
    var hour: Int
    var minute = 0
    var half: Half?
    /// Written with 24 hours in mind: "03:00", "15h".
    var isExact = false

    /// Minutes since midnight, or nil when no clock shows this. Without a half of the day, 1 to 6 o'clock is in the
    /// afternoon: nobody makes an appointment for the night.
    func minuteOfDay(on part: PartOfDay?) -> Int? {
        guard (0..<24).contains(hour), (0..<60).contains(minute) else { return nil }
        return (hour + (isInSecondHalf(on: part) ? 12 : 0) - (isMidnight ? 12 : 0)) * 60 + minute
    }

    /// 12 AM.
    private var isMidnight: Bool { half == .am && hour == 12 }

    private func isInSecondHalf(on part: PartOfDay?) -> Bool {
        guard (1..<12).contains(hour) else { return false }
        if let half { return half == .pm }
        if isExact { return false }
        switch part {
        case .morning: return false
        case .afternoon, .evening: return true
        case nil: return hour < 7
        }
    }
}
