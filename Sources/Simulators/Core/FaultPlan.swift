/// What can go wrong between a provider and us.
public enum Fault: String, Sendable, Hashable, CaseIterable {
    /// The request waits before it is processed, for up to `FaultPlan.longestDelay`.
    case delay
    /// 429 with `Retry-After`; the request is not processed.
    case rateLimit
    /// 500; the request is not processed.
    case serverError
    /// The connection closes without an answer; the request is not processed.
    case dropBeforeEffect
    /// The request is processed — the event is there, the call is made — and its answer is lost.
    case dropAfterEffect
    /// The request is processed; the connection closes in the middle of the answer.
    case truncate
    /// A webhook is sent twice at the same time.
    case duplicateWebhook
    /// A status callback arrives after the one that follows it.
    case reorderWebhook

    var concernsWebhooks: Bool { self == .duplicateWebhook || self == .reorderWebhook }
}

/// A kind of request, for faults that are meant for it alone.
public enum SimulatedOperation: String, Sendable, Hashable, CaseIterable {
    case chatCompletion, listModels
    case token, freeBusy, insertEvent, getEvent, listEvents, patchEvent, deleteEvent
    case createCall, listCalls, getCall, updateCall, createMessage
    case routerQuestion, routerHealth
    /// Requests that a simulator makes: what concerns them is `delay`, `duplicateWebhook` and `reorderWebhook`.
    case voiceWebhook, statusWebhook

    var isWebhook: Bool { self == .voiceWebhook || self == .statusWebhook }

    func canHave(_ fault: Fault) -> Bool {
        switch fault {
        case .delay: true
        case .duplicateWebhook: isWebhook
        // Decided when a callback is due, not when it is sent.
        case .reorderWebhook: false
        default: !isWebhook
        }
    }
}

/// How often each fault happens. The same seed and the same order of requests give the same faults.
public struct FaultPlan: Sendable {
    public var seed: UInt64
    /// 0 … 1 for each request that can have the fault; at most one happens to a request.
    public var probabilities: [Fault: Double]
    /// None means every operation.
    public var operations: Set<SimulatedOperation>
    public var longestDelay: Duration = .milliseconds(500)
    /// What `Retry-After` says, in seconds.
    public var retryAfterSeconds = 1
    /// How old something must be before a list shows it: providers' lists are eventually consistent.
    public var listLag: Duration = .zero

    public init(
        seed: UInt64 = 1, probabilities: [Fault: Double] = [:], operations: Set<SimulatedOperation> = []
    ) {
        self.seed = seed
        self.probabilities = probabilities
        self.operations = operations
    }

    /// Nothing ever goes wrong.
    public static let none = FaultPlan()

    /// Every fault of requests with the same share of `probability`; 0.05 is five requests in a hundred.
    public static func requests(_ probability: Double, seed: UInt64 = 1) -> FaultPlan {
        let faults = Fault.allCases.filter { !$0.concernsWebhooks }
        let share = probability / Double(faults.count)
        return FaultPlan(seed: seed, probabilities: Dictionary(uniqueKeysWithValues: faults.map { ($0, share) }))
    }
}
