/// What a TwiML document tells Twilio to do.
struct TwiMLDocument: Sendable, Hashable {
    indirect enum Verb: Sendable, Hashable {
        case say(Say)
        case pause(seconds: Int)
        case gather(Gather)
        case redirect(url: String, method: String)
        case reject(reason: String)
        case hangup
        case dial(Dial)
    }

    struct Say: Sendable, Hashable {
        var text: String
        var language: String?
    }

    struct Gather: Sendable, Hashable {
        /// Says and pauses while it listens.
        var prompts: [Verb]
        var listensToSpeech: Bool
        var listensToKeys: Bool
        /// Empty for the document's own URL.
        var action: String
        var method: String
        var language: String?
        var timeoutSeconds: Int
        var postsEmptyResult: Bool
    }

    struct Dial: Sendable, Hashable {
        /// E.164.
        var number: String
        /// Nil: the document goes on.
        var action: String?
        var method: String
        var timeoutSeconds: Int
    }

    var verbs: [Verb]
}

/// A document that Twilio would not perform, with the code that its debugger shows.
struct TwiMLError: Error, Hashable {
    /// 12100 is a document that cannot be parsed, 12200 one outside the schema, 12300 one of the wrong content type.
    var code: Int
    var message: String
}
