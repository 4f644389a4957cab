/// The languages that calls are held in.
enum Language: String, Sendable, Hashable, CaseIterable {
    case english = "en"
    case spanish = "es"
    case portuguese = "pt"

    /// The schema lets nothing else in; English for a code that it does not know yet.
    init(code: String) { self = Language(rawValue: code) ?? .english }

    /// As a model is told of it.
    var name: String {
        switch self {
        case .english: "English"
        case .spanish: "Spanish"
        case .portuguese: "Brazilian Portuguese"
        }
    }
}
