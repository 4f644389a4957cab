public import Jobs

/// Dials one queued call. Enqueued by the SQL function `enqueue_call`; it holds no FIFO key, so that a slow answer of the
/// telephone provider never delays a turn of the call that it started.
public struct InitiateCall: Job, Hashable {
    public static let kind = "initiate_call"
    public static var defaults: JobOptions {
        var options = JobOptions()
        options.queue = "calls"
        return options
    }
    public var callID: Int64
    public init(callID: Int64) { self.callID = callID }
    enum CodingKeys: String, CodingKey { case callID = "call_id" }
}

/// One turn: what the caller said (or did not), to be answered by the agent.
///
/// Enqueue with key `call:ID` and unique key `turn:ID:N`, awaited: the turns of a call run one at a time, in order, and a
/// repeated webhook finds the same job.
public struct ProcessConversation: Job, Hashable {
    public static let kind = "process_conversation"
    public static var defaults: JobOptions {
        var options = JobOptions()
        options.queue = "turns"
        options.priority = 10
        options.maximumAttempts = 5
        options.isAwaited = true
        return options
    }
    public var callID: Int64
    /// The number of the next utterance, from the callback URL. 1 asks for the greeting.
    public var turn: Int
    /// Nil when the caller said nothing.
    public var speech: String?
    /// 0 … 1, as the provider's recognizer states it.
    public var confidence: Double?
    public var digits: String?
    public var providerCallID: String?
    /// Who answered, in the provider's word: "human", "machine_start", "fax", "unknown".
    public var answeredBy: String?

    public init(
        callID: Int64, turn: Int, speech: String? = nil, confidence: Double? = nil, digits: String? = nil,
        providerCallID: String? = nil, answeredBy: String? = nil
    ) {
        self.callID = callID
        self.turn = turn
        self.speech = speech
        self.confidence = confidence
        self.digits = digits
        self.providerCallID = providerCallID
        self.answeredBy = answeredBy
    }

    enum CodingKeys: String, CodingKey {
        case callID = "call_id"
        case turn, speech, confidence, digits
        case providerCallID = "provider_call_id"
        case answeredBy = "answered_by"
    }

    /// The queue's options for this turn.
    public var options: JobOptions {
        var options = Self.defaults
        options.key = "call:\(callID)"
        options.uniqueKey = "turn:\(callID):\(turn)"
        return options
    }
}

/// What a status webhook said of a call. Duplicates and any order are harmless.
public struct RecordCallStatus: Job, Hashable {
    public static let kind = "record_call_status"
    public static var defaults: JobOptions {
        var options = JobOptions()
        options.queue = "turns"
        options.priority = 50
        return options
    }
    /// From the callback URL; nil when the provider did not use ours.
    public var callID: Int64?
    public var providerCallID: String
    /// The provider's word: queued, initiated, ringing, in-progress, completed, busy, no-answer, failed, canceled.
    public var status: String
    public var answeredBy: String?
    public var durationSeconds: Int?

    public init(
        callID: Int64?, providerCallID: String, status: String, answeredBy: String? = nil, durationSeconds: Int? = nil
    ) {
        self.callID = callID
        self.providerCallID = providerCallID
        self.status = status
        self.answeredBy = answeredBy
        self.durationSeconds = durationSeconds
    }

    enum CodingKeys: String, CodingKey {
        case callID = "call_id"
        case providerCallID = "provider_call_id"
        case status
        case answeredBy = "answered_by"
        case durationSeconds = "duration_seconds"
    }

    /// The queue's options for this event: in the order of the call's turns.
    public var options: JobOptions {
        var options = Self.defaults
        options.key = callID.map { "call:\($0)" } ?? "provider_call:\(providerCallID)"
        return options
    }
}

/// Gives an ended call its outcome, summary, extracted fields and cost, and decides whether its lead is dialled again.
public struct FinalizeCall: Job, Hashable {
    public static let kind = "finalize_call"
    public var callID: Int64
    public init(callID: Int64) { self.callID = callID }
    enum CodingKeys: String, CodingKey { case callID = "call_id" }

    /// The queue's options for this call: after its last turn, and once.
    public var options: JobOptions {
        var options = Self.defaults
        options.key = "call:\(callID)"
        options.uniqueKey = "finalize:\(callID)"
        return options
    }
}

/// Asks the providers what became of calls and meetings that nothing was heard of, and brings each to its end.
public struct ReconcileCalls: Job, Hashable {
    public static let kind = "reconcile_calls"
    public init() {}
}
