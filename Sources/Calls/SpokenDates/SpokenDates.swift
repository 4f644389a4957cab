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
    public func understand(_ text: String) throws(SpokenDateRefusal) -> SpokenDate { fatalError("skeleton") }

    /// "Friday, January 10 at 2:00 PM", "viernes 10 de enero a las 14:00", "sexta-feira, 10 de janeiro às 14h".
    public func say(_ date: Date) -> String { fatalError("skeleton") }

    /// "Friday, January 10", "viernes 10 de enero", "sexta-feira, 10 de janeiro".
    public func sayDay(_ day: CivilTime) -> String { fatalError("skeleton") }
}
