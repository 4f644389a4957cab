import FoundationEssentials
import Platform
import Testing

@Suite("Zone")
struct ZoneTests {
    @Test(
        "Clocks of the world show what their zone's rules say",
        arguments: [
            ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08T01:59:59-05:00"),
            ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00-04:00"),
            ("America/New_York", "2026-11-01T05:59:59Z", "2026-11-01T01:59:59-04:00"),
            ("America/New_York", "2026-11-01T06:00:00Z", "2026-11-01T01:00:00-05:00"),
            ("America/New_York", "2061-07-01T12:00:00Z", "2061-07-01T08:00:00-04:00"),
            ("America/Mexico_City", "2026-07-01T12:00:00Z", "2026-07-01T06:00:00-06:00"),
            ("America/Mexico_City", "2021-07-01T12:00:00Z", "2021-07-01T07:00:00-05:00"),
            ("America/Sao_Paulo", "2050-01-01T12:00:00Z", "2050-01-01T09:00:00-03:00"),
            ("Australia/Lord_Howe", "2050-01-01T00:00:00Z", "2050-01-01T11:00:00+11:00"),
            ("Australia/Lord_Howe", "2050-07-01T00:00:00Z", "2050-07-01T10:30:00+10:30"),
            ("America/St_Johns", "2040-12-31T23:59:59Z", "2040-12-31T20:29:59-03:30"),
            ("Europe/Dublin", "2045-07-01T12:00:00Z", "2045-07-01T13:00:00+01:00"),
            ("Asia/Kathmandu", "1969-12-31T23:59:59Z", "1970-01-01T05:29:59+05:30"),
            ("UTC", "1900-03-01T00:00:00Z", "1900-03-01T00:00:00+00:00"),
            ("america/argentina/buenos_aires", "2026-07-01T12:00:00Z", "2026-07-01T09:00:00-03:00"),
        ])
    func clocks(name: String, instant: String, local: String) throws {
        let zone = try #require(Zone(identifier: name))
        #expect(zone.iso8601(try Date(instant, strategy: .iso8601)) == local)
    }

    @Test(
        "A local time is the instant at which clocks show it; a repeated one the first; a skipped one after the change",
        arguments: [
            (CivilTime(year: 2026, month: 3, day: 8, hour: 9), "2026-03-08T13:00:00Z"),
            (CivilTime(year: 2026, month: 3, day: 8, hour: 2, minute: 30), "2026-03-08T07:30:00Z"),
            (CivilTime(year: 2026, month: 11, day: 1, hour: 1, minute: 30), "2026-11-01T05:30:00Z"),
            (CivilTime(year: 2026, month: 11, day: 1, hour: 2), "2026-11-01T07:00:00Z"),
        ])
    func instants(time: CivilTime, instant: String) throws {
        let zone = try #require(Zone(identifier: "America/New_York"))
        #expect(zone.date(of: time) == (try Date(instant, strategy: .iso8601)))
    }

    @Test(
        "A name that is no zone gives none",
        arguments: ["", "Mars/Olympus", "../../etc/passwd", "America", "/etc/localtime", "zone.tab", "A\u{0}"])
    func unknown(name: String) { #expect(Zone(identifier: name) == nil) }
}

@Suite("CivilTime")
struct CivilTimeTests {
    @Test("Days and dates are inverses of each other over eight centuries, leap years included")
    func days() {
        var expected = CivilTime(year: 1_600, month: 1, day: 1)
        for day in expected.daysSince1970..<CivilTime(year: 2_400, month: 1, day: 1).daysSince1970 {
            let date = CivilTime(daysSince1970: day)
            #expect(date == expected)
            expected.day += 1
            if !expected.isValid { expected = CivilTime(year: expected.year, month: expected.month + 1, day: 1) }
            if !expected.isValid { expected = CivilTime(year: expected.year + 1, month: 1, day: 1) }
        }
    }

    @Test(
        "A day that is not in its month is not valid",
        arguments: [
            (2026, 2, 30), (2026, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (2026, 1, 0), (1900, 2, 29),
        ])
    func invalid(year: Int, month: Int, day: Int) {
        #expect(!CivilTime(year: year, month: month, day: day).isValid)
    }

    @Test("Weekdays count from Monday")
    func weekdays() {
        #expect(CivilTime(year: 1970, month: 1, day: 1).weekday == 3)
        #expect(CivilTime(year: 2026, month: 3, day: 8).weekday == 6)
        #expect(CivilTime(year: 1900, month: 1, day: 1).weekday == 0)
    }
}
