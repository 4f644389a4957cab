import Calls
import FoundationEssentials
import Platform
import Testing

@Suite("Saying dates")
struct SpokenDatesSayingTests {
    private func said(_ instant: String, in zone: String, _ language: String) throws -> String {
        let zone = try #require(Zone(identifier: zone))
        let date = try Date(instant, strategy: .iso8601)
        return SpokenDates(language: language, zone: zone, now: date).say(date)
    }

    @Test("A time is said in each language, in the listener's zone")
    func times() throws {
        let instant = "2025-01-10T20:00:00Z"
        #expect(try said(instant, in: "America/Mexico_City", "en") == "Friday, January 10 at 2:00 PM")
        #expect(try said(instant, in: "America/Mexico_City", "es") == "viernes 10 de enero a las 14:00")
        #expect(try said(instant, in: "America/Mexico_City", "pt") == "sexta-feira, 10 de janeiro às 14h")
        #expect(try said(instant, in: "Europe/Madrid", "es") == "viernes 10 de enero a las 21:00")
        #expect(try said(instant, in: "Asia/Tokyo", "en") == "Saturday, January 11 at 5:00 AM")
    }

    @Test("Minutes, noon, midnight and one o'clock are said as people say them")
    func odd() throws {
        #expect(try said("2026-03-03T12:00:00Z", in: "UTC", "en") == "Tuesday, March 3 at 12:00 PM")
        #expect(try said("2026-03-03T00:05:00Z", in: "UTC", "en") == "Tuesday, March 3 at 12:05 AM")
        #expect(try said("2026-03-03T01:00:00Z", in: "UTC", "es") == "martes 3 de marzo a la 1:00")
        #expect(try said("2026-03-03T01:00:00Z", in: "UTC", "pt") == "terça-feira, 3 de março à 1h")
        #expect(try said("2026-03-03T14:30:00Z", in: "UTC", "pt") == "terça-feira, 3 de março às 14h30")
    }

    @Test("What is said is understood as the same instant", arguments: ["en", "es", "pt"])
    func roundTrip(_ language: String) throws {
        let zone = try #require(Zone(identifier: "America/Sao_Paulo"))
        let now = try Date("2026-01-07T12:00:00Z", strategy: .iso8601)
        let dates = SpokenDates(language: language, zone: zone, now: now)
        for halfHours in 1..<2_000 {
            let instant = now.addingTimeInterval(Double(halfHours) * 1_800)
            let understood = try dates.understand(dates.say(instant)).instant(in: zone)
            // "1:00" without a half of the day is the afternoon's.
            let isNight = language != "en" && zone.civilTime(at: instant).hour < 7
            #expect(understood == instant || isNight, "\(dates.say(instant))")
        }
    }

    @Test("A refusal says why, in the caller's language")
    func refusals() throws {
        let zone = Zone.utc
        let now = try Date("2026-01-07T12:00:00Z", strategy: .iso8601)
        func refusal(_ text: String, _ language: String) -> String {
            do {
                return "\(try SpokenDates(language: language, zone: zone, now: now).understand(text))"
            } catch { return error.text }
        }
        #expect(refusal("2026-02-30", "en") == "There is no February 30: February 2026 has 28 days.")
        #expect(refusal("2026-02-30", "es") == "El 30 de febrero no existe: febrero de 2026 tiene 28 días.")
        #expect(refusal("2026-02-30", "pt") == "O dia 30 de fevereiro não existe: fevereiro de 2026 tem 28 dias.")
        #expect(refusal("viernes 13 de enero", "es") == "El 13 de enero es martes, no viernes.")
        #expect(refusal("ontem", "pt") == "O dia 6 de janeiro já passou.")
        #expect(refusal("today at 9 am", "en") == "That time of today has already passed.")
        #expect(refusal("2027-01-01", "es") == "Faltan más de 60 días para esa fecha.")
        #expect(refusal("blue", "en").hasPrefix("I did not understand the day."))
    }
}
