/// When a request that failed is sent again: exponential backoff with full jitter, not before Google said, and not when there
/// would be no time left for an answer.
struct GoogleRetry {
    private var failures = 0
    private let deadline: ContinuousClock.Instant
    private let baseDelay: Duration
    private let maximumDelay: Duration

    init(deadline: ContinuousClock.Instant, baseDelay: Duration, maximumDelay: Duration) {
        self.deadline = deadline
        self.baseDelay = baseDelay
        self.maximumDelay = maximumDelay
    }

    /// How long to wait; nil to give up. `random` is from 0 to 1.
    mutating func wait(after error: GoogleCalendarError, now: ContinuousClock.Instant, random: Double) -> Duration? {
        guard error.isTemporary else { return nil }
        let ceiling = min(baseDelay * (1 << min(failures, 16)), maximumDelay)
        failures += 1
        let wait = max(ceiling * random, error.retryAfter ?? .zero)
        return now + wait < deadline ? wait : nil
    }
}
