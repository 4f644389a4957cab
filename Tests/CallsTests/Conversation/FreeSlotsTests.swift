import FoundationEssentials
import Platform
import Testing

@testable import Calls

@Suite("Free slots")
struct FreeSlotsTests {
    private let zone = TurnFixtures.zone

    private func at(_ day: Int, _ hour: Int, _ minute: Int = 0) -> Date {
        zone.date(of: CivilTime(year: 2026, month: 3, day: day, hour: hour, minute: minute))
    }

    private func slots(busy: [Range<Date>] = [], duration: Int = 30, earliest: Date? = nil) -> FreeSlots {
        FreeSlots(
            hours: .office, zone: zone, duration: duration, earliest: earliest ?? at(1, 0), busy: busy)
    }

    private func starts(_ slots: [Range<Date>]) -> [String] {
        slots.map { slot in
            let time = zone.civilTime(at: slot.lowerBound)
            return "\(time.day) \(time.hour):\(time.minute == 0 ? "00" : "\(time.minute)")"
        }
    }

    @Test("A day has a slot every half hour that ends before closing")
    func laysGrid() {
        let day = slots().starting(in: at(11, 0)..<at(12, 0))
        #expect(day.count == 18)
        #expect(starts(day).first == "11 9:00")
        #expect(starts(day).last == "11 17:30")
        #expect(starts(slots(duration: 60).starting(in: at(11, 0)..<at(12, 0))).last == "11 17:00")
    }

    @Test("A closed day has none")
    func closes() { #expect(slots().starting(in: at(14, 0)..<at(16, 0)).isEmpty) }

    @Test("What is taken, touches nothing beside it")
    func leavesOutTaken() {
        let free = slots(busy: [at(11, 9)..<at(11, 16, 30), at(11, 17)..<at(11, 18)]).starting(
            in: at(11, 0)..<at(12, 0))
        #expect(starts(free) == ["11 16:30"])
    }

    @Test("Nothing starts before the notice, nor outside the window")
    func keepsWindow() {
        #expect(
            starts(slots(earliest: at(11, 16, 45)).starting(in: at(11, 0)..<at(12, 0))) == ["11 17:00", "11 17:30"])
        #expect(starts(slots().starting(in: at(11, 12)..<at(11, 13))) == ["11 12:00", "11 12:30"])
    }

    @Test("Any minute within the hours may be booked, none outside")
    func judges() {
        #expect(slots().contains(at(11, 9, 5)..<at(11, 9, 35)))
        #expect(!slots().contains(at(11, 17, 45)..<at(11, 18, 15)))
        #expect(!slots().contains(at(11, 8, 59)..<at(11, 9, 29)))
        #expect(!slots().contains(at(14, 10)..<at(14, 10, 30)))
        #expect(!slots(busy: [at(11, 9, 30)..<at(11, 9, 31)]).contains(at(11, 9)..<at(11, 9, 40)))
    }

    @Test("A choice takes days in turn, and spreads over a day")
    func chooses() {
        let week = slots().starting(in: at(9, 0)..<at(14, 0))
        #expect(starts(FreeSlots.choice(of: 3, from: week, zone: zone)) == ["9 9:00", "10 9:00", "11 9:00"])
        let day = slots().starting(in: at(11, 0)..<at(12, 0))
        #expect(starts(FreeSlots.choice(of: 3, from: day, zone: zone)) == ["11 9:00", "11 13:00", "11 17:30"])
        #expect(FreeSlots.choice(of: 100, from: day, zone: zone) == day)
        #expect(FreeSlots.choice(of: 3, from: [], zone: zone).isEmpty)
    }

    @Test("On the day that clocks change the hours are those of the clock")
    func followsClock() {
        let newYork = Zone(identifier: "America/New_York") ?? .utc
        let sunday = newYork.date(of: CivilTime(year: 2026, month: 3, day: 8))
        let all = FreeSlots(
            hours: (try? WeeklyHours("sun 01:00-04:00")) ?? .office, zone: newYork, duration: 30, earliest: sunday,
            busy: [])
        // 02:00 to 03:00 does not exist that night.
        #expect(all.starting(in: sunday..<sunday.addingTimeInterval(86_400)).count == 4)
    }
}
