/// `calls.status`: the last two are final.
public enum CallStatus: String, Sendable, Hashable, Codable, CaseIterable {
    case queued, dialing, ringing
    case inProgress = "in_progress"
    case ended, uncertain

    public var isFinal: Bool { self == .ended || self == .uncertain }
}

/// `calls.outcome`: what came of a call.
public enum CallOutcome: String, Sendable, Hashable, Codable, CaseIterable {
    case meetingScheduled = "meeting_scheduled"
    case callbackRequested = "callback_requested"
    case notInterested = "not_interested"
    case doNotCall = "do_not_call"
    case wrongNumber = "wrong_number"
    case voicemail
    case noAnswer = "no_answer"
    case busy
    /// Answered, and nobody ever spoke.
    case noResponse = "no_response"
    /// Ended by the caller before anything was settled.
    case hungUp = "hung_up"
    /// Talked, and none of the others.
    case completed
    case failed, uncertain
}
