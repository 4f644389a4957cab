/// How a run ended, on its way to the database.
struct Settlement: Sendable {
    /// The words of the SQL function `settle_jobs`.
    enum Outcome: String, Sendable {
        case completed, failed, cancelled, expired
        /// Again later: a failed attempt, a snooze (not counted), a hand-back of what was not worked on (not counted).
        case retry, snooze, release

        var endsTheJob: Bool {
            switch self {
            case .completed, .failed, .cancelled, .expired: true
            case .retry, .snooze, .release: false
            }
        }
    }

    let lease: Lease
    var outcome: Outcome
    /// JSON text.
    var result: String?
    var error: String?
    var delay: Duration
    var hasKey = false
    var isAwaited = false
    /// The handler's own transaction should have ended the job: this settlement only counts if it did not.
    var isFallback = false

    init(
        _ lease: Lease, _ outcome: Outcome, result: String? = nil, error: String? = nil, delay: Duration = .zero
    ) {
        self.lease = lease
        self.outcome = outcome
        self.result = result
        self.error = error
        self.delay = delay
    }

    /// Whether the statement for the simplest ends will do.
    var isPlain: Bool { outcome == .completed && !hasKey && result == nil }
}

extension Settlement {
    /// A result or error as PostgreSQL can keep it: no NUL, one line, not endless.
    static func line(_ text: String) -> String {
        let line = text.prefix(2000).split(whereSeparator: { $0 == "\0" || $0.isNewline }).joined(separator: " ")
        return line.isEmpty ? "unknown error" : line
    }

    static let maximumResultBytes = 1_048_576
}
