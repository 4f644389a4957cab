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
        let backoff = Backoff(base: base, factor: factor, maximum: maximum, jitter: jitter)
        return RetryPolicy { backoff.delay(after: $0) }
    }
}

/// `base`, then `factor` times more after each attempt, up to `maximum`; then up to `jitter` (0 … 1) of it is added or taken
/// away at random. As the `retry` of `enqueue_job`: in seconds, what is not given has its default.
public struct Backoff: Codable, Sendable, Hashable {
    public var base: Duration
    public var factor: Double
    public var maximum: Duration
    public var jitter: Double

    public init(
        base: Duration = .seconds(1), factor: Double = 2, maximum: Duration = .seconds(3600), jitter: Double = 0.25
    ) {
        self.base = base
        self.factor = factor
        self.maximum = maximum
        self.jitter = jitter
    }

    /// - Parameter attempt: the number of the one that failed, from 1.
    public func delay(after attempt: Int) -> Duration {
        var delay = base
        // Multiplied step by step: stops at the maximum, and so never overflows.
        for _ in 1..<max(2, attempt) where attempt > 1 && delay < maximum { delay = delay * factor }
        return min(delay, maximum) * Double.random(in: (1 - jitter)...(1 + jitter))
    }

    private enum CodingKeys: String, CodingKey { case base, factor, maximum, jitter }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        if let seconds = try values.decodeIfPresent(Double.self, forKey: .base) { base = .seconds(seconds) }
        if let seconds = try values.decodeIfPresent(Double.self, forKey: .maximum) { maximum = .seconds(seconds) }
        factor = try values.decodeIfPresent(Double.self, forKey: .factor) ?? factor
        jitter = try values.decodeIfPresent(Double.self, forKey: .jitter) ?? jitter
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(base / .seconds(1), forKey: .base)
        try values.encode(factor, forKey: .factor)
        try values.encode(maximum / .seconds(1), forKey: .maximum)
        try values.encode(jitter, forKey: .jitter)
    }
}
