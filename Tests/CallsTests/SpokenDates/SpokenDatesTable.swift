import Calls
import FoundationEssentials
import Platform
import Testing

/// Expressions and what they mean on Wednesday, 7 January 2026, 10:20 in Mexico City.
///
/// Expected: a day, "first..last" when every day between is meant, days joined by "+", then a part of the day or a time;
/// "!" and a reason for a refusal.
enum SpokenDateTable {
    struct Row: Sendable, CustomTestStringConvertible {
        let text: String
        let expected: String
        init(_ text: String, _ expected: String) {
            self.text = text
            self.expected = expected
        }
        var testDescription: String { "“\(text)”" }

        func check(_ language: String, sourceLocation: SourceLocation = #_sourceLocation) {
            guard let zone = Zone(identifier: "America/Mexico_City") else {
                Issue.record("tzdata is not installed")
                return
            }
            let dates = SpokenDates(language: language, zone: zone, now: Date(timeIntervalSince1970: 1_767_802_800))
            let found = shown { () throws(SpokenDateRefusal) in try dates.understand(text) }
            #expect(found == expected, "“\(text)” in \(language)", sourceLocation: sourceLocation)
        }
    }

    static func shown(_ understand: () throws(SpokenDateRefusal) -> SpokenDate) -> String {
        do {
            let date = try understand()
            var text = shown(date.days)
            if let minute = date.minuteOfDay {
                text += " \(padded(minute / 60)):\(padded(minute % 60))"
            } else if let part = date.partOfDay {
                text += " \(part)"
            }
            return text
        } catch {
            return "!\(error.reason.rawValue)"
        }
    }

    private static func shown(_ days: [CivilTime]) -> String {
        let names = days.map { "\($0.year)-\(padded($0.month))-\(padded($0.day))" }
        guard let first = days.first, let last = days.last, days.count > 1 else { return names.joined() }
        let isWhole = last.daysSince1970 - first.daysSince1970 == days.count - 1
        return isWhole && days.count > 2 || isWhole && first.weekday == 5
            ? "\(names[0])..\(names[names.count - 1])" : names.joined(separator: "+")
    }

    private static func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }

    /// One line each: the expression, " = ", the meaning.
    static func rows(_ text: String) -> [Row] {
        text.split(separator: "\n").map { line in
            let sides = line.split(separator: " = ", maxSplits: 1)
            return Row(
                sides[0].trimmingCharacters, sides.count > 1 ? sides[1].trimmingCharacters : "(no meaning given)")
        }
    }

    /// The same in a call of any language.
    static let mixed = rows(
        """
        next Tuesday = 2026-01-13
        tomorrow = 2026-01-08
        mañana = 2026-01-08
        pasado mañana = 2026-01-09
        amanhã = 2026-01-08
        depois de amanhã = 2026-01-09
        la próxima semana = 2026-01-12..2026-01-16
        semana que vem = 2026-01-12..2026-01-16
        next week = 2026-01-12..2026-01-16
        viernes por la tarde = 2026-01-09 afternoon
        sexta-feira de manhã = 2026-01-09 morning
        Friday por la tarde = 2026-01-09 afternoon
        mañana in the afternoon = 2026-01-08 afternoon
        el viernes at 3pm = 2026-01-09 15:00
        15 de enero = 2026-01-15
        15 de janeiro = 2026-01-15
        January 15 = 2026-01-15
        2026-01-15 = 2026-01-15
        2026-01-15T20:00:00Z = 2026-01-15 14:00
        2026-02-30 = !no_such_day
        """)
}

extension Substring {
    fileprivate var trimmingCharacters: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
