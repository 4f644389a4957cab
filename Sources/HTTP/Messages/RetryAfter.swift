import FoundationEssentials
import Platform

/// The value of `Retry-After` (RFC 9110, 10.2.3): seconds, or a date in one of the three forms of 5.6.7.
enum RetryAfter {
    /// How long to wait from `now`; a date that has passed is zero. Nil when the value is neither.
    static func duration(_ value: String, now: Date) -> Duration? {
        let value = value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        if let seconds = Int(value), seconds >= 0 { return .seconds(min(seconds, 86_400 * 365)) }
        return date(value).map { .seconds(max(0, $0.timeIntervalSince(now))) }
    }

    /// The instant of an HTTP date (RFC 9110, 5.6.7).
    static func date(_ value: String) -> Date? {
        seconds1970(value).map { Date(timeIntervalSince1970: Double($0)) }
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`: all hold a month
    /// name, a time with colons, and two other numbers, of which the day comes first.
    private static func seconds1970(_ text: String) -> Int? {
        let words = text.split { " ,-".contains($0) }
        guard let month = words.lazy.compactMap(monthNumber).first,
            let time = words.first(where: { $0.contains(":") }).flatMap(secondsOfDay)
        else { return nil }
        let numbers = words.compactMap { Int($0) }
        guard numbers.count == 2, (1...31).contains(numbers[0]), (0...9_999).contains(numbers[1]) else { return nil }
        return CivilTime(year: fullYear(numbers[1]), month: month, day: numbers[0]).secondsSince1970 + time
    }

    private static func monthNumber(_ word: Substring) -> Int? {
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            .firstIndex { $0 == word }.map { $0 + 1 }
    }

    private static func secondsOfDay(_ word: Substring) -> Int? {
        let parts = word.split(separator: ":").compactMap { Int($0) }
        guard parts.count == 3, parts[0] < 24, parts[1] < 60, parts[2] <= 60, parts.allSatisfy({ $0 >= 0 }) else {
            return nil
        }
        return parts[0] * 3_600 + parts[1] * 60 + parts[2]
    }

    private static func fullYear(_ year: Int) -> Int { year >= 100 ? year : year < 70 ? 2_000 + year : 1_900 + year }
}
