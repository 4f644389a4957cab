/// Process metrics with the API shape of swift-metrics, rendered as Prometheus text.
///
/// A metric is found by name and labels; making the same one twice gives the same one.
public final class MetricsRegistry: Sendable {
    public init() { fatalError("skeleton") }
    public func counter(_ name: String, help: String, _ labels: [(String, String)] = []) -> Counter {
        fatalError("skeleton")
    }
    public func gauge(_ name: String, help: String, _ labels: [(String, String)] = []) -> Gauge {
        fatalError("skeleton")
    }
    /// A histogram of durations in seconds, with buckets from 0.5 ms to 60 s.
    public func timer(_ name: String, help: String, _ labels: [(String, String)] = []) -> Timer {
        fatalError("skeleton")
    }
    /// The Prometheus text exposition format, version 0.0.4.
    public func render() -> String { fatalError("skeleton") }
}

public struct Counter: Sendable { public func increment(by amount: Int64 = 1) { fatalError("skeleton") } }
public struct Gauge: Sendable { public func record(_ value: Double) { fatalError("skeleton") } }
public struct Timer: Sendable { public func record(_ duration: Duration) { fatalError("skeleton") } }
