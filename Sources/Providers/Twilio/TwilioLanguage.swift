/// A language as Twilio speaks and recognizes it, with a voice of its own country.
public enum TwilioLanguage: String, Sendable, Hashable, CaseIterable {
    case english = "en-US"
    case mexicanSpanish = "es-MX"
    case castilianSpanish = "es-ES"
    case brazilianPortuguese = "pt-BR"

    /// - Parameters:
    ///   - language: en, es or pt; another counts as English.
    ///   - timezone: IANA name of the listener's zone: Spanish sounds Castilian in Spain, else Mexican.
    public init(language: String, timezone: String) {
        switch language.prefix(2) {
        case "es": self = Self.zonesOfSpain.contains(timezone) ? .castilianSpanish : .mexicanSpanish
        case "pt": self = .brazilianPortuguese
        default: self = .english
        }
    }

    private static let zonesOfSpain: Set = ["Europe/Madrid", "Africa/Ceuta", "Atlantic/Canary"]

    /// A voice of Amazon Polly that `<Say>` knows for this language.
    public var voice: String {
        switch self {
        case .english: "Polly.Joanna"
        case .mexicanSpanish: "Polly.Mia"
        case .castilianSpanish: "Polly.Lucia"
        case .brazilianPortuguese: "Polly.Camila"
        }
    }
}
