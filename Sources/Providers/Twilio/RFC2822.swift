import FoundationEssentials
import Platform

/// The dates of Twilio's REST API: "Tue, 31 Aug 2010 20:36:28 +0000".
enum RFC2822 {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Nil when the text is not such a date, or the day does not exist.
    static func date(_ text: String) -> Date? {
        let words = text.split(separator: " ")
        guard words.count == 6, let day = Int(words[1]), let month = months.firstIndex(of: String(words[2])),
            let year = Int(words[3]), let offset = offsetSeconds(words[5])
        else { return nil }
        let clock = words[4].split(separator: ":").map { Int($0) }
        guard clock.count == 3, let hour = clock[0], let minute = clock[1], let second = clock[2] else { return nil }
        let time = CivilTime(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
        guard time.isValid else { return nil }
        return Date(timeIntervalSince1970: Double(time.secondsSince1970 - offset))
    }

    /// "+0530" as seconds east of UTC.
    private static func offsetSeconds(_ text: Substring) -> Int? {
        guard text.utf8.count == 5, let number = Int(text.dropFirst()), let sign = text.first, "+-".contains(sign)
        else { return nil }
        return (sign == "-" ? -1 : 1) * (number / 100 * 3_600 + number % 100 * 60)
    }
}
