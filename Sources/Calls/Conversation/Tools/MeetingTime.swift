import FoundationEssentials
import Platform

/// The `datetime` of `book_meeting`: ISO 8601. Without an offset it is read on the clock of the caller, who agreed to it.
enum MeetingTime: Sendable, Hashable {
    case instant(Date)
    /// Such as 2026-02-30T10:00.
    case impossible
    /// Not ISO 8601 at all.
    case unreadable

    init(_ text: String, zone: Zone) {
        let pattern = #/\s*(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?\s*([Zz]|[+-]\d\d:?\d\d)?\s*/#
        guard let match = text.wholeMatch(of: pattern) else {
            self = .unreadable
            return
        }
        func number(_ digits: Substring?) -> Int { digits.flatMap { Int($0) } ?? 0 }
        let time = CivilTime(
            year: number(match.1), month: number(match.2), day: number(match.3), hour: number(match.4),
            minute: number(match.5), second: number(match.6))
        let offset = match.7.map(Self.seconds)
        guard time.isValid, offset.map({ abs($0) <= 18 * 3_600 }) ?? true else {
            self = .impossible
            return
        }
        let instant =
            offset.map { Date(timeIntervalSince1970: Double(time.secondsSince1970 - $0)) } ?? zone.date(of: time)
        // On a clock that is put forward some times do not exist.
        self = offset == nil && zone.civilTime(at: instant) != time ? .impossible : .instant(instant)
    }

    /// "Z", "+02:00" or "-0600".
    private static func seconds(_ offset: Substring) -> Int {
        let digits = offset.filter(\.isNumber)
        guard digits.count == 4, let hours = Int(digits.prefix(2)), let minutes = Int(digits.suffix(2)) else {
            return 0
        }
        return (offset.hasPrefix("-") ? -1 : 1) * (hours * 3_600 + minutes * 60)
    }
}
