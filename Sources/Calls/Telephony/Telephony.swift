public import FoundationEssentials

/// A provider of telephone calls.
public protocol Telephony: Sendable {
    /// Asks for a call and returns the provider's id of it. Throws `DialError`.
    func dial(_ request: DialRequest) async throws -> String

    /// The calls between these numbers that the provider has begun within this time, by its own clock: what became of a dial whose
    /// answer was lost. A provider's list may lag behind, so an empty answer is not proof at once. Throws when the provider
    /// cannot say.
    func find(to: String, from: String, within age: Duration) async throws -> [ProviderCall]

    /// The call as the provider knows it now, or nil when it knows none by this id. Throws when it cannot say.
    func state(of id: String) async throws -> ProviderCall?

    /// Ends a call. One that has already ended, or is unknown, is success.
    func hangUp(_ id: String) async throws
}

public struct DialRequest: Sendable, Hashable {
    /// Ours; it travels in the URLs.
    public var callID: Int64
    /// E.164.
    public var to: String
    /// E.164, one of the account's own numbers.
    public var from: String
    /// Asked for instructions when the call is answered.
    public var answerURL: String
    /// Told of every change of the call's status.
    public var statusURL: String
    /// How long it may ring.
    public var ringTimeout: Duration

    public init(
        callID: Int64, to: String, from: String, answerURL: String, statusURL: String,
        ringTimeout: Duration = .seconds(30)
    ) {
        self.callID = callID
        self.to = to
        self.from = from
        self.answerURL = answerURL
        self.statusURL = statusURL
        self.ringTimeout = ringTimeout
    }
}

/// Why a dial gave no id.
public enum DialError: Error, Sendable, Hashable {
    /// Refused for good: this number will never be dialled by repeating the request.
    case refused(code: Int?, message: String)
    /// Certainly not dialled; the same request may succeed later.
    case retryLater(after: Duration?, message: String)
    /// The answer was lost: it may or may not have been dialled.
    case unknown(message: String)
}

/// A call as its provider describes it.
public struct ProviderCall: Sendable, Hashable {
    public var id: String
    public var status: ProviderCallStatus
    public var to: String
    public var from: String
    /// When the provider made it; nil when it does not say.
    public var createdAt: Date?
    public var startedAt: Date?
    public var endedAt: Date?
    public var durationSeconds: Int?
    public var answeredBy: String?
    /// What it cost, as a positive decimal numeral; providers state it some time after the end.
    public var price: String?
    /// ISO 4217.
    public var currency: String?

    public init(
        id: String, status: ProviderCallStatus, to: String = "", from: String = "", createdAt: Date? = nil,
        startedAt: Date? = nil, endedAt: Date? = nil, durationSeconds: Int? = nil, answeredBy: String? = nil,
        price: String? = nil, currency: String? = nil
    ) {
        self.id = id
        self.status = status
        self.to = to
        self.from = from
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.durationSeconds = durationSeconds
        self.answeredBy = answeredBy
        self.price = price
        self.currency = currency
    }
}

/// The words of Twilio's `CallStatus`, which all providers' statuses are mapped to.
public enum ProviderCallStatus: String, Sendable, Hashable, CaseIterable {
    case queued, initiated, ringing
    case inProgress = "in-progress"
    case completed, busy
    case noAnswer = "no-answer"
    case failed, canceled

    public var isFinal: Bool {
        switch self {
        case .queued, .initiated, .ringing, .inProgress: false
        case .completed, .busy, .noAnswer, .failed, .canceled: true
        }
    }
}
