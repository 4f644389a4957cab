import Postgres

/// How long a request may be kept waiting, and how writes are retried meanwhile.
///
/// A value: it knows its deadline and the pause before the next attempt, and waits for nothing by itself except in
/// `limiting` and `retrying`.
struct Hold: Sendable {
    private static let longestPause = Duration.milliseconds(500)

    let deadline: ContinuousClock.Instant
    private var pause = Duration.milliseconds(20)

    init(_ limit: Duration) { deadline = .now + limit }

    /// What is left; zero when it is over.
    var remaining: Duration { max(.zero, deadline - .now) }

    /// The pause before the next attempt, twice the last one, with jitter so that the requests that failed together do not
    /// come back together. Nil when the deadline would pass meanwhile.
    mutating func nextPause() -> Duration? {
        let jittered = pause * Double.random(in: 0.75...1.25)
        pause = min(pause * 2, Self.longestPause)
        return jittered < remaining ? jittered : nil
    }

    /// Runs `operation`, cancelled at the deadline; throws `HoldOver` then.
    func limiting<Result: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await Task.sleep(until: deadline, clock: .continuous)
                throw HoldOver()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw HoldOver() }
            return first
        }
    }

    /// Repeats `operation` while the database is away. Throws `HoldOver` when the deadline has come, what `operation`
    /// threw when repeating cannot help.
    mutating func retrying<Result: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        while true {
            do {
                return try await limiting(operation)
            } catch let error as PostgresError where error.isTransient {
                guard let pause = nextPause() else { throw HoldOver() }
                try await Task.sleep(for: pause)
            } catch let error as PostgresError where error.code == .closed {
                // This process stops: another one can do it at once.
                throw HoldOver()
            }
        }
    }
}

/// The deadline came first. What was under way may have happened all the same.
struct HoldOver: Error {}
