/// What is to be done with a turn: decided before anything is, by what is known, without a model.
///
/// Pure: the same state and the same turn always give the same plan, so a turn that is run again after a crash goes the
/// same way.
enum TurnPlan: Sendable, Hashable {
    /// It was answered before: the same again.
    case `repeat`(SpokenAnswer)
    /// Nobody is to be talked to: a machine answered, or the call is over.
    case hangUp
    /// A phrase that needs no model.
    case say(Utterance)
    /// The caller wants never to be called again. Nothing is said when the call is over already.
    case stopCalling(Utterance?)
    case think(String)

    /// Something that the agent says.
    struct Utterance: Sendable, Hashable {
        var text: String
        var purpose: TurnPurpose
        var endsCall = false
        /// E.164.
        var transferTo: String?
    }

    /// Silence, or words that nobody could make out, are asked about so often in a row.
    static let maximumRepeats = 2
    /// Utterances of one call, both sides.
    static let maximumTurns = 120

    init(_ job: ProcessConversation, _ speech: CallerSpeech, _ state: TurnState) {
        if let answer = state.storedAnswer(to: job.turn) {
            self = .repeat(answer)
        } else if isMachine(job.answeredBy ?? state.call.answeredBy) {
            self = .hangUp
        } else if case .words(let words, _) = speech, DoNotCallWords.areIn(words) {
            // Also when the call has ended meanwhile: this wish is never lost.
            let text = Phrase.willNotCallAgain.text(in: state.call.language)
            self = .stopCalling(state.call.isFinal ? nil : Utterance(text: text, purpose: .goodbye, endsCall: true))
        } else if state.call.isFinal {
            self = .hangUp
        } else if let turn = state.turns.first(where: { $0.number == job.turn && $0.isAgents }) {
            // A callback with a number that we have spoken under ourselves: it can only want to hear that.
            self = .repeat(state.answer(turn))
        } else {
            self = Self.next(job, speech, state)
        }
    }

    private static func next(_ job: ProcessConversation, _ speech: CallerSpeech, _ state: TurnState) -> TurnPlan {
        let language = state.call.language
        func say(_ phrase: Phrase, _ purpose: TurnPurpose, endsCall: Bool = false) -> TurnPlan {
            .say(Utterance(text: phrase.text(in: language), purpose: purpose, endsCall: endsCall))
        }
        if state.call.hasAgentEnded { return say(.goodbye, .goodbye, endsCall: true) }
        if job.turn >= maximumTurns { return say(.goodbyeForLength, .goodbye, endsCall: true) }
        switch speech {
        case .nothing where state.turns.isEmpty:
            return .say(Utterance(text: Greeting.text(state), purpose: .greeting))
        case .nothing:
            switch state.latestRun(of: [.notHeard, .notUnderstood]) {
            case 0: return say(.notHeard, .notHeard)
            case ..<maximumRepeats: return say(.stillThere, .notHeard)
            default: return say(.goodbyeToSilence, .goodbye, endsCall: true)
            }
        case .words where !speech.isUnderstood:
            return state.latestRun(of: [.notHeard, .notUnderstood]) < maximumRepeats
                ? say(.notUnderstood, .notUnderstood) : say(.goodbyeToSilence, .goodbye, endsCall: true)
        case .words(let words, _): return .think(words)
        }
    }
}

/// Twilio's AnsweredBy: machine_start, machine_end_beep, …, fax. "human" and "unknown" are talked to.
private func isMachine(_ answeredBy: String?) -> Bool {
    answeredBy.map { $0.hasPrefix("machine") || $0 == "fax" } ?? false
}
