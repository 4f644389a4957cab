/// Performs one TwiML document after another: a pure state machine that says what is to be done next.
struct TwiMLSession: Sendable {
    enum Step: Sendable, Hashable {
        case speak(TwiMLDocument.Say)
        case wait(seconds: Int)
        case listen(TwiMLDocument.Gather)
        /// Ask that URL, relative to the document's own, for the next document.
        case fetch(url: String, method: String)
        case reject(reason: String)
        case dial(TwiMLDocument.Dial)
        /// Nothing is left to do, or the document says so.
        case hangUp
        /// The documents lead on and on without the caller being heard.
        case tooManyRedirects
    }

    private var verbs: ArraySlice<TwiMLDocument.Verb> = []
    private var redirects = 0
    private let maximumRedirects: Int

    init(maximumRedirects: Int) { self.maximumRedirects = maximumRedirects }

    /// What was left of the document before is dropped, as Twilio does.
    mutating func load(_ document: TwiMLDocument) { verbs = document.verbs[...] }

    mutating func next() -> Step {
        guard let verb = verbs.popFirst() else { return .hangUp }
        switch verb {
        case .say(let say): return .speak(say)
        case .pause(let seconds): return .wait(seconds: seconds)
        case .gather(let gather):
            guard gather.prompts.isEmpty else {
                // What is said while listening comes first; then the same Gather listens.
                var listening = gather
                listening.prompts = []
                verbs = gather.prompts + [.gather(listening)] + verbs
                return next()
            }
            return .listen(gather)
        case .redirect(let url, let method):
            redirects += 1
            return redirects > maximumRedirects ? .tooManyRedirects : .fetch(url: url, method: method)
        case .reject(let reason): return .reject(reason: reason)
        case .hangup: return .hangUp
        case .dial(let dial): return .dial(dial)
        }
    }

    /// The caller was heard: the rest of the document is not performed.
    mutating func wasHeard() {
        verbs = []
        redirects = 0
    }
}
