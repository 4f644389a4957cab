/// What a caller said in one turn, made safe to store and to show a model.
enum CallerSpeech: Sendable, Hashable {
    case nothing
    case words(String, confidence: Double?)

    /// A recognizer that never ends, or a forged request, must not fill the prompt.
    static let maximumCharacters = 2_000
    /// What the recognizer itself does not trust is asked for again rather than acted on.
    static let leastConfidence = 0.3

    init(_ job: ProcessConversation) {
        let spoken = Self.clean(job.speech ?? "")
        let pressed = Self.clean(job.digits ?? "")
        if !spoken.isEmpty {
            self = .words(spoken, confidence: job.confidence)
        } else {
            self = pressed.isEmpty ? .nothing : .words(pressed, confidence: nil)
        }
    }

    /// Some recognizers state 0 for "unknown": only what lies between is a doubt.
    var isUnderstood: Bool {
        guard case .words(_, let confidence?) = self else { return true }
        return confidence <= 0 || confidence >= Self.leastConfidence
    }

    /// Control characters become spaces: PostgreSQL refuses NUL, and no one can speak a line break.
    static func clean(_ text: String) -> String {
        let spaced = String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
        return String(spaced.split(separator: " ").joined(separator: " ").prefix(maximumCharacters))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
