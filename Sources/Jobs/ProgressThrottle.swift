/// When a run's progress is written: the newest value, at most one a second, none of a run that is over at once. Pure.
///
/// quiet → (report) → gathering → writing → resting → writing … → quiet, and from anywhere → ended.
struct ProgressThrottle {
    struct Report: Sendable, Equatable {
        /// 0 … 1.
        var fraction: Double
        var message: String?
    }

    enum Step: Equatable {
        /// Look again after this long, or when the run has ended.
        case rest(Duration)
        case write(Report)
        /// Take away what was written; then there is nothing more to do.
        case remove
        case stop
    }

    static let interval = Duration.seconds(1)
    /// Jobs that are over sooner than this write nothing.
    static let gathering = Duration.milliseconds(100)

    private var newest: Report?
    private var isRunning = false
    private var hasEnded = false
    private var mayHaveRow = false
    private var restedFrom: ContinuousClock.Instant?

    /// True when the loop that asks for the `next` step is to be started.
    mutating func report(_ report: Report) -> Bool {
        guard !hasEnded else { return false }
        newest = report
        return start()
    }

    /// The run is over: nothing is written any more. True when the loop is to be started, to clear up.
    mutating func end() -> Bool {
        guard !hasEnded else { return false }
        hasEnded = true
        newest = nil
        return mayHaveRow && start()
    }

    private mutating func start() -> Bool {
        defer { isRunning = true }
        return !isRunning
    }

    /// What the loop does now. After `write` it says what became of it (`written` or `failed`), and asks again.
    mutating func next(at now: ContinuousClock.Instant) -> Step {
        if hasEnded {
            isRunning = false
            defer { mayHaveRow = false }
            return mayHaveRow ? .remove : .stop
        }
        guard let from = restedFrom else {
            restedFrom = now - (Self.interval - Self.gathering)
            return .rest(Self.gathering)
        }
        if now - from < Self.interval { return .rest(Self.interval - (now - from)) }
        guard let report = newest else {
            isRunning = false
            return .stop
        }
        newest = nil
        restedFrom = now
        mayHaveRow = true
        return .write(report)
    }

    /// - Parameter isOurs: false when the job is not this run's any more.
    mutating func written(isOurs: Bool) {
        guard !isOurs else { return }
        hasEnded = true
        newest = nil
    }

    /// It may or may not be written: written again, unless there is something newer.
    mutating func failed(_ report: Report) {
        if newest == nil, !hasEnded { newest = report }
    }
}
