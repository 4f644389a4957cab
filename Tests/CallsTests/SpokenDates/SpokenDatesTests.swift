import Calls
import FoundationEssentials
import Platform
import Testing

/// Every table is read on the same morning: Wednesday, 7 January 2026, 10:20 in Mexico City.
@Suite("Spoken dates")
struct SpokenDatesTests {
    @Test("English dates mean the days that people mean", arguments: SpokenDateTable.english)
    func english(_ row: SpokenDateTable.Row) { row.check("en") }

    @Test("Spanish dates mean the days that people mean", arguments: SpokenDateTable.spanish)
    func spanish(_ row: SpokenDateTable.Row) { row.check("es") }

    @Test("Portuguese dates mean the days that people mean", arguments: SpokenDateTable.portuguese)
    func portuguese(_ row: SpokenDateTable.Row) { row.check("pt") }

    @Test("A call in one language understands dates in the others", arguments: SpokenDateTable.mixed)
    func mixed(_ row: SpokenDateTable.Row) {
        row.check("en")
        row.check("es")
        row.check("pt")
    }

    @Test("Accents, case and stray words change nothing", arguments: SpokenDateTable.spanish)
    func sloppySpanish(_ row: SpokenDateTable.Row) {
        let shouted = SpokenDateTable.Row(row.text.uppercased(), row.expected)
        shouted.check("es")
        SpokenDateTable.Row("pues " + row.text + ", por favor", row.expected).check("es")
    }
}

@Suite("Spoken dates at the edges of the calendar")
struct SpokenDateEdgeTests {
    private func resolve(_ text: String, at now: String, in zone: String, language: String = "en") throws -> String {
        let zone = try #require(Zone(identifier: zone))
        let dates = SpokenDates(language: language, zone: zone, now: try Date(now, strategy: .iso8601))
        return SpokenDateTable.shown { () throws(SpokenDateRefusal) in try dates.understand(text) }
    }

    @Test("Today is the day on the speaker's clock, not on ours")
    func todayIsLocal() throws {
        // 03:00 UTC on the 8th is still the evening of the 7th in Mexico, and noon of the 8th in Tokyo.
        #expect(try resolve("tomorrow", at: "2026-01-08T03:00:00Z", in: "America/Mexico_City") == "2026-01-08")
        #expect(try resolve("tomorrow", at: "2026-01-08T03:00:00Z", in: "Asia/Tokyo") == "2026-01-09")
    }

    @Test("Next week at the turn of a week, a month and a year")
    func turns() throws {
        let zone = "America/Sao_Paulo"
        #expect(
            try resolve("next week", at: "2026-12-27T15:00:00Z", in: zone) == "2026-12-28..2027-01-01", "a Sunday")
        #expect(
            try resolve("next week", at: "2026-12-28T15:00:00Z", in: zone) == "2027-01-04..2027-01-08", "a Monday")
        #expect(try resolve("tomorrow", at: "2026-12-31T15:00:00Z", in: zone) == "2027-01-01")
        #expect(try resolve("January 5", at: "2026-12-20T15:00:00Z", in: zone) == "2027-01-05")
        #expect(try resolve("next month", at: "2026-12-20T15:00:00Z", in: zone) == "2027-01-01..2027-01-31")
        #expect(try resolve("the 31st", at: "2026-02-10T15:00:00Z", in: zone) == "2026-03-31")
        #expect(try resolve("in a month", at: "2026-01-31T15:00:00Z", in: zone) == "2026-02-28")
        #expect(
            try resolve("this week", at: "2026-01-10T15:00:00Z", in: zone) == "2026-01-10..2026-01-11", "a Saturday")
    }

    @Test("February 29 exists in a leap year alone")
    func leapYear() throws {
        #expect(try resolve("February 29", at: "2028-02-01T15:00:00Z", in: "UTC") == "2028-02-29")
        #expect(try resolve("2028-02-29", at: "2028-02-01T15:00:00Z", in: "UTC") == "2028-02-29")
        #expect(try resolve("February 29", at: "2026-02-01T15:00:00Z", in: "UTC") == "!no_such_day")
        #expect(try resolve("29/02/2026", at: "2026-02-01T15:00:00Z", in: "UTC", language: "es") == "!no_such_day")
    }

    @Test("An instant with an offset is a time on the speaker's clock")
    func offsets() throws {
        let now = "2026-03-01T12:00:00Z"
        #expect(try resolve("2026-03-10T15:00:00Z", at: now, in: "America/New_York") == "2026-03-10 11:00")
        #expect(try resolve("2026-03-10T23:30:00-06:00", at: now, in: "America/New_York") == "2026-03-11 01:30")
        #expect(try resolve("2026-03-10T23:30:00.000+0530", at: now, in: "UTC") == "2026-03-10 18:00")
        #expect(try resolve("2026-03-10T09:00", at: now, in: "America/New_York") == "2026-03-10 09:00")
        #expect(try resolve("2026-02-30T09:00:00Z", at: now, in: "UTC") == "!no_such_day")
    }

    @Test("Days keep their length on the clock when daylight saving begins and ends")
    func daylightSaving() throws {
        let zone = try #require(Zone(identifier: "America/New_York"))
        let dates = SpokenDates(language: "en", zone: zone, now: try Date("2026-03-06T15:00:00Z", strategy: .iso8601))
        let sunday = try dates.understand("Sunday")
        let day = try #require(sunday.windows(in: zone).first)
        #expect(day.upperBound.timeIntervalSince(day.lowerBound) == 23 * 3_600)
        let monday = try dates.understand("Monday at 9 am")
        #expect(monday.instant(in: zone) == (try Date("2026-03-09T13:00:00Z", strategy: .iso8601)))
        let autumn = SpokenDates(language: "en", zone: zone, now: try Date("2026-10-30T15:00:00Z", strategy: .iso8601))
        let longDay = try #require(try autumn.understand("Sunday").windows(in: zone).first)
        #expect(longDay.upperBound.timeIntervalSince(longDay.lowerBound) == 25 * 3_600)
    }

    @Test("A time that the clocks skip becomes the one after it")
    func skippedHour() throws {
        let zone = try #require(Zone(identifier: "America/New_York"))
        let dates = SpokenDates(language: "en", zone: zone, now: try Date("2026-03-06T15:00:00Z", strategy: .iso8601))
        let skipped = try dates.understand("2026-03-08T02:30").instant(in: zone)
        #expect(skipped == (try Date("2026-03-08T07:30:00Z", strategy: .iso8601)))
    }

    @Test("What has passed today is refused, what is left of today is not")
    func restOfToday() throws {
        let now = "2026-01-07T21:00:00Z"
        let zone = "America/Mexico_City"
        #expect(try resolve("today", at: now, in: zone) == "2026-01-07")
        #expect(try resolve("this morning", at: now, in: zone) == "!past")
        #expect(try resolve("today at 2pm", at: now, in: zone) == "!past")
        #expect(try resolve("today at 4pm", at: now, in: zone) == "2026-01-07 16:00")
        #expect(try resolve("at 2pm", at: now, in: zone) == "2026-01-08 14:00", "the next 2 p.m. is tomorrow's")
        #expect(try resolve("in 2 hours", at: now, in: zone) == "2026-01-07 17:00")
        #expect(try resolve("in 10 hours", at: now, in: zone) == "2026-01-08 01:00")
    }

    @Test("Sixty days ahead may be named, sixty-one may not")
    func horizon() throws {
        #expect(try resolve("2026-03-08", at: "2026-01-07T12:00:00Z", in: "UTC") == "2026-03-08")
        #expect(try resolve("2026-03-09", at: "2026-01-07T12:00:00Z", in: "UTC") == "!too_far")
        #expect(
            try resolve("March", at: "2026-01-07T12:00:00Z", in: "UTC") == "2026-03-01..2026-03-08",
            "what of it is near enough")
    }

    @Test("A long or hostile text is refused, not worked through")
    func hostile() throws {
        let now = "2026-01-07T12:00:00Z"
        #expect(try resolve(String(repeating: "tuesday ", count: 10_000), at: now, in: "UTC") == "!not_understood")
        #expect(try resolve("99999999999999999999999/99", at: now, in: "UTC") == "!not_understood")
        #expect(try resolve("in 1000 months", at: now, in: "UTC") == "!too_far")
        #expect(try resolve("13/13/2026", at: now, in: "UTC") == "!no_such_day")
        #expect(try resolve("", at: now, in: "UTC") == "!not_understood")
        #expect(try resolve("\u{0}💥 – ::: // --", at: now, in: "UTC") == "!not_understood")
    }
}
