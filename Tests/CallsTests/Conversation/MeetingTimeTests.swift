import FoundationEssentials
import Platform
import Testing

@testable import Calls

@Suite("Times of meetings")
struct MeetingTimeTests {
    private let mexico = TurnFixtures.zone
    private let newYork = Zone(identifier: "America/New_York") ?? .utc

    private func date(_ hour: Int, _ minute: Int = 0) -> Date {
        Date(
            timeIntervalSince1970: Double(
                CivilTime(year: 2026, month: 3, day: 11, hour: hour, minute: minute).secondsSince1970))
    }

    @Test(
        "An offset is believed, and without one the caller's clock is meant",
        arguments: [
            ("2026-03-11T14:00:00-06:00", 20), ("2026-03-11T14:00:00+02:00", 12), ("2026-03-11T14:00Z", 14),
            ("2026-03-11T14:00:00.000-0600", 20), ("2026-03-11T14:00:00", 20), ("2026-03-11 14:00", 20),
        ])
    func reads(_ text: String, _ hour: Int) { #expect(MeetingTime(text, zone: mexico) == .instant(date(hour))) }

    @Test(
        "A time that does not exist is refused as such",
        arguments: [
            "2026-02-30T10:00:00Z", "2026-13-01T10:00", "2026-03-11T24:00", "2026-03-11T10:60",
            "2026-03-11T10:00+25:00",
        ])
    func refuses(_ text: String) { #expect(MeetingTime(text, zone: mexico) == .impossible) }

    @Test("A time that clocks skip does not exist, unless an offset makes it an instant")
    func refusesSkipped() {
        #expect(MeetingTime("2026-03-08T02:30:00", zone: newYork) == .impossible)
        #expect(MeetingTime("2026-03-08T02:30:00-05:00", zone: newYork) != .impossible)
    }

    @Test("What is no ISO 8601 is left to the words", arguments: ["tomorrow at two", "", "2026-03-11", "14:00"])
    func leavesWords(_ text: String) { #expect(MeetingTime(text, zone: mexico) == .unreadable) }
}
