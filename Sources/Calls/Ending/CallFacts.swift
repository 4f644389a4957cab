import Platform

/// What the database and the provider know of a final call: it decides before anybody's opinion does.
struct CallFacts: Sendable, Hashable {
    var status: CallStatus
    /// The outcome that is written already, such as do_not_call for a call that was cancelled.
    var outcome: CallOutcome?
    var providerStatus: ProviderCallStatus?
    var isAnsweredByMachine = false
    /// The provider said so, or something was said.
    var isAnswered = false
    var callerSpoke = false
    var agentEnded = false
    var doNotCallRequested = false
    var hasConfirmedMeeting = false

    /// Nil when only the conversation can tell.
    var settledOutcome: CallOutcome? {
        if let outcome { return outcome }
        if hasConfirmedMeeting { return .meetingScheduled }
        if doNotCallRequested { return .doNotCall }
        if isAnsweredByMachine { return .voicemail }
        if status == .uncertain { return .uncertain }
        if callerSpoke { return nil }
        switch providerStatus {
        case .busy: return .busy
        case .noAnswer: return .noAnswer
        case .completed, .inProgress: return .noResponse
        default: return isAnswered ? .noResponse : .failed
        }
    }

    /// What a classification of the conversation may say.
    static let conversationOutcomes: [CallOutcome] = [
        .callbackRequested, .notInterested, .doNotCall, .wrongNumber, .voicemail, .hungUp, .completed,
    ]

    /// The classification, corrected by who ended the call.
    func outcome(classifiedAs outcome: CallOutcome) -> CallOutcome {
        outcome == .hungUp && agentEnded ? .completed : outcome
    }
}
