/// Reads TwiML by its schema: an unknown verb, attribute or value is an error here, where Twilio warns and guesses.
///
/// Verbs and attributes: https://www.twilio.com/docs/voice/twiml. Of the verbs that connect a call with something
/// else, Dial is simulated with a telephone number; the others (Record, Play, Enqueue …) are errors as well.
enum TwiMLReader {
    static func read(_ body: [UInt8], contentType: String?) throws(TwiMLError) -> TwiMLDocument {
        let type = contentType?.split(separator: ";").first?.lowercased() ?? ""
        guard ["text/xml", "application/xml"].contains(type) else {
            throw TwiMLError(code: 12300, message: "Invalid Content-Type: \(type.isEmpty ? "none" : type)")
        }
        let root: XMLElement
        do throws(XMLError) {
            root = try XMLReader.read(body)
        } catch {
            throw TwiMLError(code: 12100, message: "Document parse failure: \(error.reason) at \(error.offset)")
        }
        guard root.name == "Response", root.attributes.isEmpty else {
            throw TwiMLError(code: 12100, message: "The document's element must be Response, without attributes")
        }
        return TwiMLDocument(verbs: try verbs(of: root))
    }

    private static func verbs(of root: XMLElement) throws(TwiMLError) -> [TwiMLDocument.Verb] {
        guard root.text.isEmpty else { throw schema("\(root.name) holds text: “\(root.text.prefix(40))”") }
        var verbs: [TwiMLDocument.Verb] = []
        for element in root.elements { verbs.append(try verb(element)) }
        return verbs
    }

    private static func verb(_ element: XMLElement) throws(TwiMLError) -> TwiMLDocument.Verb {
        let attributes = TwiMLAttributes(element)
        switch element.name {
        case "Say": return .say(try say(element, attributes))
        case "Pause":
            try attributes.allow(["length"])
            try requireEmpty(element)
            return .pause(seconds: try attributes.integer("length", in: 0...600) ?? 1)
        case "Gather": return .gather(try gather(element, attributes))
        case "Redirect":
            try attributes.allow(["method"])
            guard element.elements.isEmpty, !element.text.isEmpty else { throw schema("Redirect needs a URL") }
            return .redirect(url: element.text, method: try attributes.method())
        case "Hangup":
            try attributes.allow([])
            try requireEmpty(element)
            return .hangup
        case "Dial": return .dial(try dial(element, attributes))
        case "Reject":
            try attributes.allow(["reason"])
            try requireEmpty(element)
            return .reject(reason: try attributes.word("reason", of: ["rejected", "busy"]) ?? "rejected")
        default: throw schema("\(element.name) is no verb here")
        }
    }

    private static func say(_ element: XMLElement, _ attributes: TwiMLAttributes) throws(TwiMLError)
        -> TwiMLDocument.Say
    {
        try attributes.allow(["voice", "language", "loop"])
        _ = try attributes.integer("loop", in: 0...1_000)
        guard element.elements.isEmpty else { throw schema("Say holds an element") }
        let text = element.text
        guard !text.isEmpty else { throw TwiMLError(code: 13520, message: "Say: Invalid text") }
        guard text.unicodeScalars.count <= 4_096 else {
            throw TwiMLError(code: 13520, message: "Say: text is too long")
        }
        return TwiMLDocument.Say(text: text, language: try attributes.language())
    }

    private static func gather(
        _ element: XMLElement, _ attributes: TwiMLAttributes
    ) throws(TwiMLError) -> TwiMLDocument.Gather {
        try attributes.allow([
            "input", "action", "method", "timeout", "speechTimeout", "maxSpeechTime", "numDigits", "finishOnKey",
            "language", "hints", "profanityFilter", "bargeIn", "debug", "enhanced", "speechModel", "dtmfDetection",
            "actionOnEmptyResult", "partialResultCallback", "partialResultCallbackMethod",
        ])
        let inputs = (attributes.text("input") ?? "dtmf").split(separator: " ").map(String.init)
        guard !inputs.isEmpty, inputs.allSatisfy({ ["dtmf", "speech"].contains($0) }) else {
            throw schema("Gather: invalid input “\(inputs.joined(separator: " "))”")
        }
        if attributes.text("speechTimeout") != "auto" { _ = try attributes.integer("speechTimeout", in: 1...600) }
        _ = try attributes.integer("numDigits", in: 1...1_024)
        for flag in ["profanityFilter", "bargeIn", "debug", "enhanced"] { _ = try attributes.flag(flag) }
        let prompts = try verbs(of: element)
        for prompt in prompts {
            switch prompt {
            case .say, .pause: continue
            default: throw schema("Gather holds a verb other than Say and Pause")
            }
        }
        return TwiMLDocument.Gather(
            prompts: prompts, listensToSpeech: inputs.contains("speech"), listensToKeys: inputs.contains("dtmf"),
            action: attributes.text("action") ?? "", method: try attributes.method(),
            language: try attributes.language(), timeoutSeconds: try attributes.integer("timeout", in: 1...600) ?? 5,
            postsEmptyResult: try attributes.flag("actionOnEmptyResult") ?? false)
    }

    private static func dial(
        _ element: XMLElement, _ attributes: TwiMLAttributes
    ) throws(TwiMLError) -> TwiMLDocument.Dial {
        try attributes.allow(["action", "method", "timeout", "callerId", "answerOnBridge", "timeLimit", "hangupOnStar"])
        for flag in ["answerOnBridge", "hangupOnStar"] { _ = try attributes.flag(flag) }
        _ = try attributes.integer("timeLimit", in: 1...14_400)
        guard element.elements.isEmpty, element.text.wholeMatch(of: /\+[1-9][0-9]{6,14}/) != nil else {
            throw TwiMLError(code: 13223, message: "Dial: Invalid phone number format")
        }
        return TwiMLDocument.Dial(
            number: element.text, action: attributes.text("action"), method: try attributes.method(),
            timeoutSeconds: try attributes.integer("timeout", in: 5...600) ?? 30)
    }

    private static func requireEmpty(_ element: XMLElement) throws(TwiMLError) {
        guard element.elements.isEmpty, element.text.isEmpty else { throw schema("\(element.name) must be empty") }
    }

    fileprivate static func schema(_ problem: String) -> TwiMLError {
        TwiMLError(code: 12200, message: "Schema validation warning: \(problem)")
    }
}

/// The attributes of one verb.
private struct TwiMLAttributes {
    private let verb: String
    private let values: [String: String]

    init(_ element: XMLElement) {
        verb = element.name
        values = element.attributes
    }

    func allow(_ names: Set<String>) throws(TwiMLError) {
        if let unknown = values.keys.sorted().first(where: { !names.contains($0) }) {
            throw TwiMLReader.schema("\(verb) has no attribute “\(unknown)”")
        }
    }

    func text(_ name: String) -> String? { values[name] }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(TwiMLError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range.contains(number) else { throw invalid(name) }
        return number
    }

    func flag(_ name: String) throws(TwiMLError) -> Bool? {
        try word(name, of: ["true", "false"]).map { $0 == "true" }
    }

    func method() throws(TwiMLError) -> String { try word("method", of: ["POST", "GET"]) ?? "POST" }

    func word(_ name: String, of words: [String]) throws(TwiMLError) -> String? {
        guard let text = values[name] else { return nil }
        guard words.contains(text) else { throw invalid(name) }
        return text
    }

    /// A tag such as "es-MX", with its region: Twilio's list has no bare languages but "en", "es" and their like for Say.
    func language() throws(TwiMLError) -> String? {
        guard let tag = values["language"] else { return nil }
        guard tag.wholeMatch(of: /[a-z]{2,3}(-[A-Za-z0-9]{2,4}){0,2}/) != nil else { throw invalid("language") }
        return tag
    }

    private func invalid(_ name: String) -> TwiMLError {
        TwiMLReader.schema("\(verb): invalid \(name) “\(values[name] ?? "")”")
    }
}
