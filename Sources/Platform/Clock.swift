/// Measures from its making, on a clock that neither jumps nor goes back.
public struct Stopwatch: Sendable {
    private let start = ContinuousClock.now
    public init() {}
    public var elapsed: Duration { ContinuousClock.now - start }
}

extension Duration {
    /// Fractional seconds.
    public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }

    /// Fractional milliseconds.
    public var inMilliseconds: Double { inSeconds * 1_000 }
}
