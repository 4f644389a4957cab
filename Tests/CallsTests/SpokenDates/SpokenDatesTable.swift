import Calls
import FoundationEssentials
import Platform
import Testing

/// The rows of `expressions.tsv`: what somebody says in a zone at an instant, and what it means there.
///
/// The language is en, es or pt; "*" is each of them. The meaning is a day, "first..last" with every day between, or days joined
/// by "+"; then nothing, a part of the day, a time on several days, or a time with its offset from UTC on a single day. "!" and
/// a reason is a refusal.
struct SpokenDateRow: Sendable, CustomTestStringConvertible {
    let language: String
    let zone: String
    let now: String
    var expression: String
    let meaning: String

    var testDescription: String { "“\(expression)” (\(language), \(zone), \(now))" }

    static let all: [SpokenDateRow] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "expressions.tsv")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").dropFirst().map { line in
            let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            func cell(_ index: Int) -> String { cells.indices.contains(index) ? cells[index] : "" }
            return SpokenDateRow(
                language: cell(0), zone: cell(1), now: cell(2), expression: cell(3), meaning: cell(4))
        }
    }()

    func check(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let zone = try #require(Zone(identifier: zone), sourceLocation: sourceLocation)
        let now = try #require(Instant(now), sourceLocation: sourceLocation).date
        let expected = try #require(Meaning(meaning), "\(meaning) is no meaning", sourceLocation: sourceLocation)
        for language in language == "*" ? ["en", "es", "pt"] : [language] {
            let dates = SpokenDates(language: language, zone: zone, now: now)
            let found = Meaning(zone) { () throws(SpokenDateRefusal) in try dates.understand(expression) }
            #expect(found == expected, "\(testDescription) in \(language)", sourceLocation: sourceLocation)
        }
    }
}

/// A minute with its offset from UTC: "2026-01-07T10:20-06:00".
private struct Instant: Hashable {
    var date: Date
    var offset: Int

    init?(_ text: String) {
        // Foundation's parser wants seconds.
        guard text.count == 22, let date = try? Date("\(text.prefix(16)):00\(text.suffix(6))", strategy: .iso8601),
            let hours = Int(text.suffix(6).prefix(3)), let minutes = Int(text.suffix(2))
        else { return nil }
        self.date = date
        offset = hours * 3_600 + (text.suffix(6).hasPrefix("-") ? -1 : 1) * minutes * 60
    }

    init(_ date: Date, _ zone: Zone) {
        self.date = date
        offset = zone.offset(at: date)
    }
}

/// What an expression comes to, in a form that both the table and the code can be brought into.
enum Meaning: Hashable {
    case days([CivilTime], PartOfDay?)
    case times([CivilTime], minuteOfDay: Int)
    case instant(Date, offset: Int)
    case refusal(String)

    init(_ zone: Zone, _ understand: () throws(SpokenDateRefusal) -> SpokenDate) {
        do {
            let date = try understand()
            if let instant = date.instant(in: zone) {
                self = .instant(instant, offset: zone.offset(at: instant))
            } else if let minute = date.minuteOfDay {
                self = .times(date.days, minuteOfDay: minute)
            } else {
                self = .days(date.days, date.partOfDay)
            }
        } catch {
            self = .refusal(error.reason.rawValue)
        }
    }

    init?(_ text: String) {
        if text.hasPrefix("!") {
            self = .refusal(String(text.dropFirst()))
            return
        }
        let words = text.split(separator: " ").map(String.init)
        guard let first = words.first, let days = Self.days(first) else { return nil }
        switch (words.count, words.last ?? "") {
        case (1, _): self = .days(days, nil)
        case (2, let part) where PartOfDay(rawValue: part) != nil: self = .days(days, PartOfDay(rawValue: part))
        case (2, let time) where time.count == 5 && days.count > 1:
            guard let hour = Int(time.prefix(2)), let minute = Int(time.suffix(2)) else { return nil }
            self = .times(days, minuteOfDay: hour * 60 + minute)
        case (2, let time):
            guard days.count == 1, let instant = Instant("\(first)T\(time)") else { return nil }
            self = .instant(instant.date, offset: instant.offset)
        default: return nil
        }
    }

    private static func days(_ text: String) -> [CivilTime]? {
        let ends = text.split(separator: "..").compactMap { day(String($0)) }
        if ends.count == 2, let last = ends.last {
            return (ends[0].daysSince1970...last.daysSince1970).map { CivilTime(daysSince1970: $0) }
        }
        let days = text.split(separator: "+").map { day(String($0)) }
        return days.contains(nil) ? nil : days.compactMap(\.self)
    }

    private static func day(_ text: String) -> CivilTime? {
        let numbers = text.split(separator: "-").compactMap { Int($0) }
        guard numbers.count == 3 else { return nil }
        let day = CivilTime(year: numbers[0], month: numbers[1], day: numbers[2])
        return day.isValid ? day : nil
    }
}
