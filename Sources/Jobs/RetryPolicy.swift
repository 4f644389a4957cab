/// The wait before attempt n+1.
public struct RetryPolicy: Sendable {
    /// Gets the number of the attempt that failed, from 1.
    public var delay: @Sendable (_ attempt: Int) -> Duration

    public init(delay: @escaping @Sendable (_ attempt: Int) -> Duration) { self.delay = delay }

    /// `base`, then `factor` times more after each attempt, up to `maximum`; then up to `jitter` (0 … 1) of it is added or
    /// taken away at random, so that what failed together does not come back together.
    public static func exponentialJitter(
        base: Duration = .seconds(1), factor: Double = 2, maximum: Duration = .seconds(3600), jitter: Double = 0.25
    ) -> RetryPolicy {
        RetryPolicy { attempt in
            var delay = base
            // Multiplied step by step: stops at the maximum, and so never overflows.
            for _ in 1..<max(2, attempt) where attempt > 1 && delay < maximum { delay = delay * factor }
            return min(delay, maximum) * Double.random(in: (1 - jitter)...(1 + jitter))
        }
    }
}
