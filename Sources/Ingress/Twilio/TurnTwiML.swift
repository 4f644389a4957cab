import Calls
import Jobs
import Providers

/// TwiML for everything that a turn can come to. The same input gives the same bytes.
struct TurnTwiML: Sendable {
    /// How long Twilio waits for the caller to begin to speak.
    private static let listenSeconds = 5
    /// How long a person's telephone rings before the caller is told that nobody is there.
    private static let transferSeconds = 25

    let urls: TurnURLs

    /// The agent speaks, then listens, or hangs up. Silence leads to the same turn, without speech.
    func answer(_ answer: SpokenAnswer, callID: Int64, _ listener: TurnIntake.Listener) -> TwiML {
        let language = TwilioLanguage(language: answer.language, timezone: listener.timezone)
        if let number = answer.transferTo {
            let action = urls.transferred(callID: callID, language: language)
            return TwiML([
                .say(answer.say, language), .dial(number, action: action, timeoutSeconds: Self.transferSeconds),
            ])
        }
        guard !answer.endsCall else { return TwiML([.say(answer.say, language), .hangup]) }
        let next = urls.next(callID: callID, turn: answer.nextTurn, language: language)
        return TwiML([
            .gather(action: next, language: language, say: answer.say, timeoutSeconds: Self.listenSeconds),
            .redirect(next),
        ])
    }

    /// The caller hears that it takes a little, and comes back for the answer.
    func filler(callID: Int64, turn: Int, wait: Int, job: JobID, _ listener: TurnIntake.Listener) -> TwiML {
        let language = TwilioLanguage(language: listener.language, timezone: listener.timezone)
        return TwiML([
            .say(Phrases(language).filler(wait), language),
            .redirect(urls.waiting(callID: callID, turn: turn, language: language, wait: wait, job: job)),
        ])
    }

    /// The caller comes back with the same turn. Whose language is not known hears nothing meanwhile.
    func broughtBack(_ request: TurnRequest) -> TwiML {
        let filler = request.language.map { TwiML.Verb.say(Phrases($0).filler(request.wait + 1), $0) }
        return TwiML([filler ?? .pause(seconds: 1), .redirect(urls.carrying(request))])
    }

    /// After a caller was put through to a person, or was to be.
    func transferred(isTalkedWith: Bool, _ language: TwilioLanguage) -> TwiML {
        isTalkedWith ? hangUp : TwiML([.say(Phrases(language).nobodyAvailable, language), .hangup])
    }

    func apology(_ language: TwilioLanguage) -> TwiML { TwiML([.say(Phrases(language).apology, language), .hangup]) }

    let hangUp = TwiML([.hangup])
}
