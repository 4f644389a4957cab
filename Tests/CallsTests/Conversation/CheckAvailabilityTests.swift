import Agents
import FoundationEssentials
import Platform
import TestSupport
import Testing

@testable import Calls

@Suite("Looking up free times in a call")
struct CheckAvailabilityTests {
    private let scene: ConversationScene
    private let tool: CheckAvailabilityTool

    init() async throws {
        scene = try await ConversationScene(Scripts.saying())
        let state = try #require(try await TurnRecords(scene.services).load(scene.callID))
        tool = CheckAvailabilityTool(meetings: MeetingTools(services: scene.services, state: state))
    }

    /// Midnight of a day of the week after this week's, 0 … 6 from Monday, in Mexico City.
    private func day(_ weekday: Int) -> Date {
        let today = TurnFixtures.zone.civilTime(at: .now)
        return TurnFixtures.zone.date(of: today.startOfDay(adding: 7 + weekday - today.weekday))
    }

    private func name(_ day: Date) -> JSON { .string(String(TurnFixtures.zone.iso8601(day).prefix(10))) }

    private func slots(_ result: ToolResult) throws -> [Range<Date>] {
        try (result.value["available_slots"]?.array ?? []).map { slot in
            let start = try #require(Self.instant(slot["datetime"]))
            return start..<(try #require(Self.instant(slot["end"])))
        }
    }

    private static func instant(_ text: JSON?) -> Date? {
        if case .instant(let date) = MeetingTime(text?.string ?? "", zone: .utc) { date } else { nil }
    }

    @Test("Three slots of half an hour are offered unless another number or length is asked for")
    func defaults() async throws {
        let usual = try slots(try await tool.execute(["preferred_date": name(day(2))]))
        #expect(usual.count == 3 && usual.allSatisfy { $0.length == 1_800 })
        let other = try slots(
            try await tool.execute(["preferred_date": name(day(2)), "duration_minutes": 60, "num_slots": 5]))
        #expect(other.count == 5 && other.allSatisfy { $0.length == 3_600 })
        for slot in usual + other { #expect(day(2)..<day(3) ~= slot.lowerBound) }
    }

    @Test("A full day gives the next open ones, and says so; an error of the calendar is never free")
    func full() async throws {
        let wednesday = day(2)
        scene.calendar.setBusy([wednesday..<wednesday.addingTimeInterval(86_400)])
        let found = try await tool.execute(["preferred_date": name(wednesday)])
        #expect(found.value["note"]?.string?.contains("full or closed") == true)
        #expect(try slots(found).first?.lowerBound == day(3).addingTimeInterval(9 * 3_600))
        scene.calendar.setAway(true)
        await #expect(throws: ToolError.self) { try await tool.execute(["preferred_date": "tomorrow"]) }
    }

    @Test("A closed day gives the next open ones, and says so")
    func closed() async throws {
        for saturday in [5, 6] {
            let found = try await tool.execute(["preferred_date": name(day(saturday))])
            #expect(found.success)
            #expect(found.value["note"]?.string?.contains("full or closed") == true)
            #expect(found.value["note"]?.string?.contains("say so") == true)
            #expect(try slots(found).first?.lowerBound == day(7).addingTimeInterval(9 * 3_600))
        }
        let open = try await tool.execute(["preferred_date": name(day(4))])
        #expect(open.value["note"] == nil)
    }

    @Test(
        "A day that is over, too far, does not exist or is not understood is refused with the next free slots",
        arguments: [
            ("2020-01-10", "past"), ("2099-01-08", "too_far"), ("2027-02-30", "no_such_day"),
            ("someday", "not_understood"), ("tomorrow at 25:00", "no_such_time"),
        ])
    func refuses(_ date: String, _ reason: String) async throws {
        let refused = try await tool.execute(["preferred_date": .string(date), "num_slots": 2])
        #expect(!refused.success && refused.value["error"]?.string?.isEmpty == false)
        #expect(refused.value["reason"]?.string == reason)
        let offered = try slots(refused)
        #expect(offered.count == 2 && offered.allSatisfy { $0.lowerBound > .now })
        // What is said of the day stands also when the calendar cannot be read.
        scene.calendar.setAway(true)
        let away = try await tool.execute(["preferred_date": .string(date)])
        #expect(away.value["reason"]?.string == reason && away.value["available_slots"] == [])
    }
}

extension Range<Date> {
    fileprivate var length: TimeInterval { upperBound.timeIntervalSince(lowerBound) }
}
