import FoundationEssentials
import Platform

/// The dates of providers' protocols.
enum Timestamp {
    /// A date and time as RFC 3339 writes it, with what it says of its zone.
    struct Parsed: Hashable {
        var civil: CivilTime
        /// Seconds east of UTC; nil when the text names no offset.
        var offset: Int?

        /// The instant, read in `zone` when the text has no offset.
        func date(in zone: Zone? = nil) -> Date? {
            if let offset { return Date(timeIntervalSince1970: Double(civil.secondsSince1970 - offset)) }
            return zone?.date(of: civil)
        }
    }

    /// Reads "2026-03-08T09:30:00-06:00", "…Z", with or without fractions and offset; nil for anything else, and for days
    /// that do not exist.
    static func parse(_ text: String) -> Parsed? {
        let pattern = /(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?([Zz]|[+-]\d{2}:\d{2})?/
        guard let match = text.wholeMatch(of: pattern)?.output else { return nil }
        let numbers = [match.1, match.2, match.3, match.4, match.5, match.6].compactMap { Int($0) }
        guard numbers.count == 6 else { return nil }
        let civil = CivilTime(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
            second: numbers[5])
        return civil.isValid ? Parsed(civil: civil, offset: match.7.map(offset)) : nil
    }

    /// Reads "2026-03-08".
    static func parseDay(_ text: String) -> CivilTime? {
        guard let match = text.wholeMatch(of: /(\d{4})-(\d{2})-(\d{2})/)?.output, let year = Int(match.1),
            let month = Int(match.2), let day = Int(match.3)
        else { return nil }
        let civil = CivilTime(year: year, month: month, day: day)
        return civil.isValid ? civil : nil
    }

    /// "2026-03-08T15:30:00Z".
    static func rfc3339(_ date: Date) -> String { rfc3339(date, in: .utc) }

    /// With the offset of the zone; "Z" for UTC, as Google writes it.
    static func rfc3339(_ date: Date, in zone: Zone) -> String {
        let text = zone.iso8601(date)
        return text.hasSuffix("+00:00") ? text.dropLast(6) + "Z" : text
    }

    /// "Sun, 08 Mar 2026 15:30:00 +0000", as Twilio writes it.
    static func rfc2822(_ date: Date) -> String {
        let time = Zone.utc.civilTime(at: date)
        let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let clock = [time.hour, time.minute, time.second].map(twoDigits).joined(separator: ":")
        return "\(weekdays[time.weekday]), \(twoDigits(time.day)) \(months[time.month - 1]) \(time.year) \(clock) +0000"
    }

    private static func offset(_ text: Substring) -> Int {
        let digits = text.dropFirst().split(separator: ":").compactMap { Int($0) }
        guard digits.count == 2 else { return 0 }
        return (text.hasPrefix("-") ? -1 : 1) * (digits[0] * 3_600 + digits[1] * 60)
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
