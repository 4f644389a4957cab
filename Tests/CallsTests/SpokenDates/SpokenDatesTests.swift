import Calls
import FoundationEssentials
import Platform
import Testing

@Suite("Spoken dates")
struct SpokenDatesTests {
    @Test("What people say means the days and times that they mean", arguments: SpokenDateRow.all)
    func table(_ row: SpokenDateRow) throws { try row.check() }

    @Test("The table has at least a hundred expressions of each language, each once for one now")
    func size() {
        for language in ["en", "es", "pt"] {
            #expect(SpokenDateRow.all.count { $0.language == language } >= 100, "\(language)")
        }
        let keys = SpokenDateRow.all.map { [$0.language, $0.zone, $0.now, $0.expression] }
        #expect(Set(keys).count == keys.count)
    }

    @Test(
        "Accents, case and stray words change nothing", arguments: SpokenDateRow.all.filter { $0.language == "es" })
    func sloppySpanish(_ row: SpokenDateRow) throws {
        var row = row
        let expression = row.expression
        row.expression = expression.uppercased()
        try row.check()
        row.expression = "pues " + expression + ", por favor"
        try row.check()
    }
}

@Suite("Spoken dates at the edges of the calendar")
struct SpokenDateEdgeTests {
    @Test("Days keep their length on the clock when daylight saving begins and ends")
    func daylightSaving() throws {
        let zone = try #require(Zone(identifier: "America/New_York"))
        for (now, hours) in [("2026-03-06T15:00:00Z", 23.0), ("2026-10-30T15:00:00Z", 25)] {
            let dates = SpokenDates(language: "en", zone: zone, now: try Date(now, strategy: .iso8601))
            let day = try #require(try dates.understand("Sunday").windows(in: zone).first)
            #expect(day.upperBound.timeIntervalSince(day.lowerBound) == hours * 3_600)
        }
    }

    @Test("Times are looked for from the instant that was named, also in an hour that clocks repeat")
    func repeatedHour() throws {
        let zone = try #require(Zone(identifier: "America/New_York"))
        let now = try Date("2026-10-30T15:00:00Z", strategy: .iso8601)
        let second = try SpokenDates(language: "en", zone: zone, now: now).understand("2026-11-01T06:30:00Z")
        #expect(second.windows(in: zone).first?.lowerBound == (try Date("2026-11-01T06:30:00Z", strategy: .iso8601)))
    }

    @Test("A long or hostile text is refused, not worked through")
    func hostile() throws {
        let dates = SpokenDates(language: "en", zone: .utc, now: try Date("2026-01-07T12:00:00Z", strategy: .iso8601))
        for text in [String(repeating: "tuesday ", count: 10_000), "", "\u{0}💥 – ::: // --"] {
            #expect(
                Meaning(.utc) { () throws(SpokenDateRefusal) in try dates.understand(text) }
                    == .refusal("not_understood"))
        }
    }
    @Test("Whatever words and numbers come in whatever order, they mean a day of the next weeks, or are refused")
    func random() throws {
        let now = try Date("2026-01-07T12:00:00Z", strategy: .iso8601)
        let words =
            SpokenDateRow.all.flatMap { $0.expression.split(separator: " ") }.map(String.init) + [
                "999999999999999999", "200000000000000000", "999999999", "9999", "99", "0", "/", "-", ":", "T", "Z",
                "+", ".",
                "before", "in", "2026-11-25T10:00:00",
            ]
        var random = SeededGenerator(seed: 1)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                words[Int.random(in: words.indices, using: &random)] + (Bool.random(using: &random) ? " " : "")
            }.joined()
            for language in ["en", "es", "pt"] {
                let dates = SpokenDates(language: language, zone: .utc, now: now)
                guard let date = try? dates.understand(text) else { continue }
                #expect(date.days.allSatisfy { (20_460...20_522).contains($0.daysSince1970) }, "\(text)")
            }
        }
    }

    @Test(
        "Numbers of any length are no reason to fall over",
        arguments: [
            "12/3/999999999999999999", "2026-01-25T10:00:00+999999999999999999",
            "2026-01-25T10:00:00+200000000000000000:00",
            "12/3/999999999", "31/31/999999999", "in 999999999999999999 days", "before 9999-12-31",
            "at 999999999999999999:30",
        ])
    func numbers(_ text: String) throws {
        let dates = SpokenDates(language: "en", zone: .utc, now: try Date("2026-01-07T12:00:00Z", strategy: .iso8601))
        let days = (try? dates.understand(text))?.days ?? []
        #expect(days.count <= 61)
    }
}
