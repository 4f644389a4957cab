/// Decides whether a failed request is sent again, and after how long, within the time that the whole request has.
///
/// A pure state machine: the time and the randomness are given to it.
struct RetryBudget {
    let deadline: ContinuousClock.Instant
    let configuration: ModelRetryConfiguration
    private(set) var attempts = 0

    init(deadline: ContinuousClock.Instant, configuration: ModelRetryConfiguration) {
        self.deadline = deadline
        self.configuration = configuration
    }

    /// The wait before the next attempt, or nil when the error is to be reported: it is not transient, the attempts are
    /// used up, or the wait would leave no time for an answer.
    ///
    /// - Parameter random: 0 … 1. The wait lies between half and all of the backoff, so that many callers spread out.
    mutating func wait(after error: ModelError, now: ContinuousClock.Instant, random: Double) -> Duration? {
        attempts += 1
        guard error.isTransient, attempts < configuration.maximumAttempts else { return nil }
        let backoff = min(configuration.longestWait, configuration.firstWait * (1 << min(attempts - 1, 20)))
        // The server knows better than our backoff; a little jitter on top keeps the crowd from coming back at once.
        let wait = max(backoff * (0.5 + random / 2), error.retryAfter.map { $0 + backoff * (random / 4) } ?? .zero)
        return now + wait + configuration.leastTimeForAnswer < deadline ? wait : nil
    }
}

/// How often and how patiently a request is sent again after 408, 409, 429, 5xx, a lost connection or a cut answer.
public struct ModelRetryConfiguration: Sendable, Hashable {
    /// The first included.
    public var maximumAttempts = 4
    public var firstWait: Duration = .milliseconds(250)
    public var longestWait: Duration = .seconds(8)
    /// Another attempt is only made when so much of the request's time would be left for it.
    public var leastTimeForAnswer: Duration = .milliseconds(500)
    public init() {}
}

extension ModelRetryConfiguration {
    /// Attempts something until it succeeds, fails with what no repetition mends, or has no time left.
    func run<Answer: Sendable>(
        until deadline: ContinuousClock.Instant, sleep: @Sendable (Duration) async throws -> Void,
        _ attempt: () async throws -> Answer
    ) async throws -> Answer {
        var budget = RetryBudget(deadline: deadline, configuration: self)
        while true {
            do {
                return try await attempt()
            } catch let error as ModelError {
                guard let wait = budget.wait(after: error, now: .now, random: .random(in: 0...1)) else { throw error }
                try await sleep(wait)
            }
        }
    }
}
