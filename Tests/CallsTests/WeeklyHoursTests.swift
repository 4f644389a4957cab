import Calls
import Testing

@Suite("WeeklyHours")
struct WeeklyHoursTests {
    private static let office: [Range<Int>] = (0..<5).map { day in
        day * 1_440 + 540..<day * 1_440 + 1_080
    }

    private static let meanings: [(String, [Range<Int>])] = [
        ("mon-fri 09:00-18:00", office),
        ("sat 10:00-14:00", [7_800..<8_040]),
        ("  mon   00:00-24:00 , tue 00:00-01:00", [0..<1_500]),
        ("mon 09:00-12:00, mon 11:00-13:00", [540..<780]),
        ("sun-mon 23:00-24:00", [1_380..<1_440, 10_020..<10_080]),
        ("wed 09:00-10:00, mon 09:00-10:00", [540..<600, 3_420..<3_480]),
    ]

    @Test("Texts of hours mean the minutes of the week that they name", arguments: meanings)
    func meaning(text: String, minutes: [Range<Int>]) throws {
        let hours = try WeeklyHours(text)
        #expect(hours.open == minutes)
        #expect(hours.description == text)
    }

    @Test(
        "A text that is none is refused with its part and what would be right",
        arguments: [
            ("", ""), ("mon", "mon"), ("mon-fri", "mon-fri"), ("09:00-18:00", "09:00-18:00"),
            ("mon 09:00-18:00,", ""), ("mon 9:00-18:00", "mon 9:00-18:00"), ("mon 09:00-25:00", "mon 09:00-25:00"),
            ("mon 18:00-09:00", "mon 18:00-09:00"), ("mon 09:00-09:00", "mon 09:00-09:00"),
            ("mon 24:00-24:00", "mon 24:00-24:00"), ("mo 09:00-18:00", "mo 09:00-18:00"),
            ("Mon 09:00-18:00", "Mon 09:00-18:00"), ("mon-tue-wed 09:00-18:00", "mon-tue-wed 09:00-18:00"),
            ("mon 09:60-18:00", "mon 09:60-18:00"),
            ("mon 09:00-18:00 tue 09:00-18:00", "mon 09:00-18:00 tue 09:00-18:00"),
            ("mon +9:00-18:00", "mon +9:00-18:00"),
        ])
    func refusal(text: String, part: String) {
        do {
            Issue.record("“\(text)” was read as \(try WeeklyHours(text).open)")
        } catch {
            #expect(error.part == part)
            #expect(error.description.contains("mon-fri 09:00-18:00, sat 10:00-14:00"))
        }
    }

    @Test("The end of hours is not within them, their start is")
    func bounds() throws {
        let hours = try WeeklyHours("tue 09:00-18:00")
        #expect(!hours.contains(minuteOfWeek: 1_440 + 539))
        #expect(hours.contains(minuteOfWeek: 1_440 + 540))
        #expect(hours.contains(minuteOfWeek: 1_440 + 1_079))
        #expect(!hours.contains(minuteOfWeek: 1_440 + 1_080))
    }

    @Test("A day's hours count from its midnight, also where they go over midnight")
    func days() throws {
        let hours = try WeeklyHours("mon 20:00-24:00, tue 00:00-02:00, tue 09:00-10:00")
        #expect(hours.hours(onWeekday: 0) == [1_200..<1_440])
        #expect(hours.hours(onWeekday: 1) == [0..<120, 540..<600])
        #expect(hours.hours(onWeekday: 2).isEmpty)
        #expect(WeeklyHours.office.hours(onWeekday: 4) == [540..<1_080])
    }
}
