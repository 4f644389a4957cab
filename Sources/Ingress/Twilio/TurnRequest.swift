import Calls
import HTTP
import Jobs
import Providers

/// A `voice` or `turn` webhook: which utterance is due in which call, and what the caller said.
struct TurnRequest: Sendable, Hashable {
    /// Nil for a call to us that has no row yet.
    var callID: Int64?
    /// The number of the next utterance.
    var turn: Int
    var providerCallID: String
    var from: String
    var to: String
    var speech: String?
    var confidence: Double?
    var digits: String?
    var answeredBy: String?
    /// How often the caller was asked to wait for this turn already.
    var wait: Int
    /// The turn's job, once it is known to exist.
    var job: JobID?
    /// As it was spoken when the URL was made.
    var language: TwilioLanguage?

    /// Longer speech is cut: nobody says that much in one breath.
    static let longestSpeech = 4_000
    private static let longestField = 64

    init(_ webhook: TwilioWebhook, isVoice: Bool) throws(Problem) {
        providerCallID = try webhook.callSID
        callID = try webhook.number("call", in: 1...Int64.max)
        if isVoice {
            turn = 1
        } else {
            guard callID != nil else { throw .invalid("call", "is missing") }
            guard let number = try webhook.number("turn", in: 1...100_000) else { throw .invalid("turn", "is missing") }
            turn = Int(number)
        }
        from = webhook.text("From", limit: Self.longestField) ?? ""
        to = webhook.text("To", limit: Self.longestField) ?? ""
        if callID == nil, webhook.form["Direction"] != "inbound" {
            throw .invalid("call", "is missing; only a call to us may come without it")
        }
        if callID == nil, to.isEmpty { throw .invalid("To", "is missing") }
        speech = webhook.text("SpeechResult", carriedAs: "speech", limit: Self.longestSpeech)
        digits = webhook.text("Digits", carriedAs: "digits", limit: Self.longestField)
        answeredBy = webhook.text("AnsweredBy", carriedAs: "answered_by", limit: Self.longestField)
        // A recognizer's doubt about its own confidence is no reason to lose what was said.
        confidence = webhook.text("Confidence", carriedAs: "confidence", limit: Self.longestField)
            .flatMap { Double($0) }.flatMap { (0...1).contains($0) ? $0 : nil }
        wait = Int(try webhook.number("wait", in: 0...1_000) ?? 0)
        job = try webhook.number("job", in: 1...Int64.max)
        language = webhook.query["lang"].flatMap { TwilioLanguage(rawValue: $0) }
    }

    /// The job of this turn.
    func work(callID: Int64) -> ProcessConversation {
        ProcessConversation(
            callID: callID, turn: turn, speech: speech, confidence: confidence, digits: digits,
            providerCallID: providerCallID, answeredBy: answeredBy)
    }
}
