public import FoundationEssentials
public import Platform

/// Understands and says dates the way people do, in English, Spanish and Portuguese, in a time zone, relative to an instant.
public struct SpokenDates: Sendable {
    /// en, es or pt.
    public let language: String
    public let zone: Zone
    public let now: Date
    /// How many days ahead of today may be named.
    public let horizonDays: Int

    public init(language: String, zone: Zone, now: Date, horizonDays: Int = 60) {
        self.language = language
        self.zone = zone
        self.now = now
        self.horizonDays = horizonDays
    }

    /// What days and time a text names: ISO 8601, or words such as "next Tuesday", "pasado mañana por la tarde", "dia 15".
    /// The three languages may be mixed; `language` decides what means different things in them, such as "3/12".
    ///
    /// - "next Tuesday" and "Tuesday" are the first one after today, "this Tuesday" may be today.
    /// - "next week" is Monday to Friday of the week after this; weeks begin on Monday.
    /// - "in two weeks" is that day; "the 15th" is the next one; a date without a year is the nearest one.
    /// - "at 3" is in the afternoon, "at 8" in the morning, unless more was said.
    public func understand(_ text: String) throws(SpokenDateRefusal) -> SpokenDate {
        let refusals = DateRefusals(language: language)
        guard text.utf8.count <= DateLexer.longestText,
            let terms = DateParser.terms(of: DateLexer(language: language).words(of: text), language: language)
        else { throw refusals.notUnderstood }
        let civilNow = zone.civilTime(at: now)
        let resolver = DateResolver(
            today: civilNow.daysSince1970, minuteNow: civilNow.hour * 60 + civilNow.minute, horizonDays: horizonDays,
            refusals: refusals)
        for term in terms {
            switch term {
            case .instant(let seconds):
                return try resolver.resolve(Date(timeIntervalSince1970: Double(seconds)), in: zone)
            // Clocks that are changed meanwhile change what they will show then, not how long it is.
            case .inMinutes(let minutes):
                return try resolver.resolve(now.addingTimeInterval(Double(minutes) * 60), in: zone)
            default: break
            }
        }
        return try resolver.resolve(terms)
    }

    /// "Friday, January 10 at 2:00 PM", "viernes 10 de enero a las 14:00", "sexta-feira, 10 de janeiro às 14h".
    public func say(_ date: Date) -> String {
        let time = zone.civilTime(at: date)
        let names = DateNames(language: language)
        return "\(names.day(time)) \(names.time(time))"
    }

    /// "Friday, January 10", "viernes 10 de enero", "sexta-feira, 10 de janeiro".
    public func sayDay(_ day: CivilTime) -> String { DateNames(language: language).day(day) }
}
