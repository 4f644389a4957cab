import Calls
import HTTP
import Jobs
import Providers

/// The callback URLs of turns. Twilio signs them, so what we put into one comes back as we wrote it.
struct TurnURLs: Sendable {
    /// Speech that is carried along is cut to so many bytes: encoded it is up to three times as long, and Twilio takes
    /// URLs of some thousand characters.
    static let longestCarriedSpeech = 1_000

    let publicURL: String

    /// Where the next utterance of a call is posted to.
    func next(callID: Int64, turn: Int, language: TwilioLanguage) -> String {
        CallbackURLs(publicURL: publicURL, callID: callID).turn(turn) + "&lang=\(language.rawValue)"
    }

    /// Where is told what became of putting the caller through to a person.
    func transferred(callID: Int64, language: TwilioLanguage) -> String {
        "\(publicURL)\(Route.transfer.rawValue)?call=\(callID)&lang=\(language.rawValue)"
    }

    /// Where the caller of a turn comes back to that a job thinks about.
    func waiting(callID: Int64, turn: Int, language: TwilioLanguage, wait: Int, job: JobID) -> String {
        next(callID: callID, turn: turn, language: language) + "&wait=\(wait)&job=\(job)"
    }

    /// Where a turn comes back to that could not be written, with what was said.
    func carrying(_ request: TurnRequest) -> String {
        var query = FormFields()
        if let language = request.language { query.add("lang", language.rawValue) }
        query.add("wait", String(request.wait + 1))
        if let job = request.job { query.add("job", String(job)) }
        if let speech = request.speech { query.add("speech", Self.cut(speech)) }
        if let confidence = request.confidence { query.add("confidence", String(confidence)) }
        if let digits = request.digits { query.add("digits", digits) }
        if let answeredBy = request.answeredBy { query.add("answered_by", answeredBy) }
        guard let callID = request.callID else { return "\(publicURL)\(Route.voice.rawValue)?\(query.encoded)" }
        return CallbackURLs(publicURL: publicURL, callID: callID).turn(request.turn) + "&" + query.encoded
    }

    /// The words that fit.
    private static func cut(_ speech: String) -> String {
        guard speech.utf8.count > longestCarriedSpeech else { return speech }
        var kept = ""
        for word in speech.split(separator: " ") {
            guard kept.utf8.count + word.utf8.count < longestCarriedSpeech else { break }
            kept += kept.isEmpty ? String(word) : " \(word)"
        }
        return kept
    }
}
