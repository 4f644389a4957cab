/// Hours of the week, such as `mon-fri 09:00-18:00, sat 10:00-14:00`: the grammar of `BUSINESS_HOURS` and of
/// `campaigns.calling_window` (the SQL function `is_weekly_hours` checks the same).
///
/// Days may be a range that runs over the week's end (`fri-mon`); times are local, from 00:00 to 24:00, the end
/// exclusive and later than the start. Minutes are counted from Monday 00:00.
public struct WeeklyHours: Sendable, Hashable, CustomStringConvertible {
    public static let minutesInDay = 24 * 60
    public static let minutesInWeek = 7 * minutesInDay

    /// Monday to Friday, 09:00 to 18:00.
    public static let office = WeeklyHours(
        unmerged: (0..<5).map { $0 * minutesInDay + 9 * 60..<$0 * minutesInDay + 18 * 60 }, "mon-fri 09:00-18:00")

    /// Minutes of the week, in order, neither touching nor overlapping.
    public let open: [Range<Int>]
    /// As it was written.
    public let description: String

    /// Throws `WeeklyHoursError`, which names the part that cannot be read.
    public init(_ text: String) throws(WeeklyHoursError) {
        var ranges: [Range<Int>] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            ranges += try Self.parse(part)
        }
        self.init(unmerged: ranges, text)
    }

    private init(unmerged: [Range<Int>], _ text: String) {
        var merged: [Range<Int>] = []
        for range in unmerged.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        open = merged
        description = text
    }

    /// Whether this minute of the week (0 is Monday 00:00) is within the hours.
    public func contains(minuteOfWeek minute: Int) -> Bool { open.contains { $0.contains(minute) } }

    /// The open minutes of one day, counted from its midnight. `weekday` is 0 for Monday … 6 for Sunday.
    public func hours(onWeekday weekday: Int) -> [Range<Int>] {
        let day = weekday * Self.minutesInDay..<(weekday + 1) * Self.minutesInDay
        return open.map { $0.clamped(to: day) }.filter { !$0.isEmpty }
            .map { $0.lowerBound - day.lowerBound..<$0.upperBound - day.lowerBound }
    }
}

/// What is wrong with a text of hours. `description` is one line that says what would be right.
public struct WeeklyHoursError: Error, Sendable, Hashable, CustomStringConvertible {
    public let part: String
    public let reason: String
    public var description: String {
        "“\(part)” \(reason); hours read like “mon-fri 09:00-18:00, sat 10:00-14:00”"
    }
}

extension WeeklyHours {
    private static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    private static func parse(_ part: Substring) throws(WeeklyHoursError) -> [Range<Int>] {
        let words = part.split(whereSeparator: \.isWhitespace)
        let shown = words.joined(separator: " ")
        guard words.count == 2 else {
            throw WeeklyHoursError(part: shown, reason: "needs days and times")
        }
        guard let days = weekdays(words[0]) else {
            throw WeeklyHoursError(part: shown, reason: "has days other than mon, tue, wed, thu, fri, sat, sun")
        }
        let times = words[1].split(separator: "-", omittingEmptySubsequences: false).map(minutes)
        guard times.count == 2, let start = times[0], let end = times[1], start < minutesInDay else {
            throw WeeklyHoursError(part: shown, reason: "has times other than 00:00 to 24:00")
        }
        guard start < end else { throw WeeklyHoursError(part: shown, reason: "ends before it starts") }
        return days.map { $0 * minutesInDay + start..<$0 * minutesInDay + end }
    }

    private static func weekdays(_ text: Substring) -> [Int]? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { days.firstIndex(of: String($0)) }
        guard let first = ends.first ?? nil, ends.count <= 2, let last = ends.last ?? nil else { return nil }
        return (0...(last - first + 7) % 7).map { (first + $0) % 7 }
    }

    /// "09:30" as 570: exactly two digits, a colon, two digits.
    private static func minutes(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2,
            parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), minute < 60, hour * 60 + minute <= minutesInDay
        else { return nil }
        return hour * 60 + minute
    }
}
