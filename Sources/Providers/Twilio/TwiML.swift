/// Instructions for a call under way, as Twilio's XML. Text is escaped, and stripped of what XML or a voice cannot take.
public struct TwiML: Sendable, Hashable {
    /// Twilio speaks at most so many characters of one `<Say>`.
    public static let longestSay = 4_096

    public enum Verb: Sendable, Hashable {
        /// Speaks. Longer text than `longestSay` ends at the last word that fits; text without a word is left out.
        case say(String, TwilioLanguage)
        /// Listens to speech and keys while it speaks, then posts what came to `action`. Without input the next verb follows.
        case gather(action: String, language: TwilioLanguage, say: String, timeoutSeconds: Int)
        /// Asks that URL for what comes next.
        case redirect(String)
        case pause(seconds: Int)
        case hangup
        /// Calls an E.164 number and connects it when it answers; then posts what came of it, `DialCallStatus`, to `action`.
        case dial(String, action: String, timeoutSeconds: Int)
    }

    public static let contentType = "text/xml; charset=utf-8"

    public var verbs: [Verb]
    public init(_ verbs: [Verb]) { self.verbs = verbs }

    public var xml: String {
        #"<?xml version="1.0" encoding="UTF-8"?>"# + "<Response>" + verbs.map(Self.element).joined() + "</Response>"
    }

    private static func element(_ verb: Verb) -> String {
        switch verb {
        case .say(let text, let language): sayElement(text, language)
        case .gather(let action, let language, let text, let timeoutSeconds):
            #"<Gather input="speech dtmf" action=""# + escaped(action) + #"" method="POST" language=""#
                + language.rawValue + #"" timeout=""# + String(timeoutSeconds) + #"" speechTimeout="auto">"#
                + sayElement(text, language) + "</Gather>"
        case .redirect(let url): #"<Redirect method="POST">"# + escaped(url) + "</Redirect>"
        case .pause(let seconds): #"<Pause length=""# + String(seconds) + #""/>"#
        case .hangup: "<Hangup/>"
        case .dial(let number, let action, let timeoutSeconds):
            // The caller hears it ring until somebody answers.
            #"<Dial action=""# + escaped(action) + #"" method="POST" timeout=""# + String(timeoutSeconds)
                + #"" answerOnBridge="true">"# + escaped(number) + "</Dial>"
        }
    }

    private static func sayElement(_ text: String, _ language: TwilioLanguage) -> String {
        let spoken = speakable(text)
        guard !spoken.isEmpty else { return "" }
        return #"<Say language=""# + language.rawValue + #"" voice=""# + language.voice + #"">"# + escaped(spoken)
            + "</Say>"
    }
}

extension TwiML {
    /// Words with single spaces between them and without control characters, cut at a word's end.
    static func speakable(_ text: String) -> String {
        let scalars = text.unicodeScalars.lazy.map { isAllowed($0) ? $0 : " " }
        let words = String(String.UnicodeScalarView(scalars)).split(whereSeparator: \.isWhitespace)
        var spoken = ""
        for word in words {
            let extra = word.unicodeScalars.count + (spoken.isEmpty ? 0 : 1)
            guard spoken.unicodeScalars.count + extra <= longestSay else {
                return spoken.isEmpty ? String(word.unicodeScalars.prefix(longestSay)) : spoken
            }
            spoken += spoken.isEmpty ? String(word) : " \(word)"
        }
        return spoken
    }

    /// The characters of XML 1.0, less those that only control.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .privateUse, .unassigned, .surrogate: false
        default: true
        }
    }

    static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars where isAllowed(character) {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
