import FoundationEssentials
import Platform

/// The times at which a meeting could be held: within the hours of the business, on a grid, clear of what is taken.
struct FreeSlots: Sendable {
    var hours: WeeklyHours
    /// The zone that `hours` are read in.
    var zone: Zone
    /// In minutes.
    var duration: Int
    /// Nothing starts earlier.
    var earliest: Date
    /// In any order; may overlap.
    var busy: [Range<Date>]

    /// Meetings start at the opening and every half hour after it.
    static let gridMinutes = 30

    /// Every free slot that starts in the window, in order.
    func starting(in window: Range<Date>) -> [Range<Date>] {
        let first = zone.civilTime(at: window.lowerBound).startOfDay()
        let last = zone.civilTime(at: window.upperBound).startOfDay()
        return (0...max(0, last.daysSince1970 - first.daysSince1970)).flatMap { offset in
            let day = first.startOfDay(adding: offset)
            return hours.hours(onWeekday: day.weekday).flatMap { open in
                stride(from: open.lowerBound, through: open.upperBound - duration, by: Self.gridMinutes).compactMap {
                    slot(day, minute: $0)
                }
            }
        }.filter { window.contains($0.lowerBound) && isFree($0) }
    }

    /// Whether a meeting may be held then: in hours, not too early, and nothing else at the time. Any minute will do.
    func contains(_ slot: Range<Date>) -> Bool { isOpen(slot) && isFree(slot) }

    /// Whether the business is open for all of it.
    func isOpen(_ slot: Range<Date>) -> Bool {
        let start = zone.civilTime(at: slot.lowerBound)
        let end = zone.civilTime(at: slot.upperBound)
        let minute = start.hour * 60 + start.minute
        let length = (end.daysSince1970 - start.daysSince1970) * 1_440 + end.hour * 60 + end.minute - minute
        return length > 0
            && hours.hours(onWeekday: start.weekday).contains { open in
                open.lowerBound <= minute && minute + length <= open.upperBound
            }
    }

    private func isFree(_ slot: Range<Date>) -> Bool {
        slot.lowerBound >= earliest && !busy.contains { $0.overlaps(slot) }
    }

    /// Nil for a time that clocks skip that day.
    private func slot(_ day: CivilTime, minute: Int) -> Range<Date>? {
        let time = day.atMinute(minute)
        let start = zone.date(of: time)
        guard zone.civilTime(at: start) == time else { return nil }
        return start..<start.addingTimeInterval(Double(duration * 60))
    }

    /// So many of them, in order: one of each day in turn, and within a day spread from the first to the last.
    static func choice(of count: Int, from slots: [Range<Date>], zone: Zone) -> [Range<Date>] {
        var days: [[Range<Date>]] = []
        for slot in slots {
            let day = zone.civilTime(at: slot.lowerBound).startOfDay()
            if let last = days.last?.first, zone.civilTime(at: last.lowerBound).startOfDay() == day {
                days[days.count - 1].append(slot)
            } else {
                days.append([slot])
            }
        }
        var quota = days.map { _ in 0 }
        var left = min(count, slots.count)
        while left > 0 {
            for index in days.indices where left > 0 && quota[index] < days[index].count {
                quota[index] += 1
                left -= 1
            }
        }
        return zip(days, quota).flatMap(spread)
    }

    private static func spread(_ slots: [Range<Date>], over count: Int) -> [Range<Date>] {
        guard count > 1 else { return Array(slots.prefix(count)) }
        return (0..<count).map { slots[$0 * (slots.count - 1) / (count - 1)] }
    }
}
