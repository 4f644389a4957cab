import Synchronization

/// Process metrics with the API shape of swift-metrics, rendered as Prometheus text.
///
/// A metric is found by name and labels; making the same one twice gives the same one. Make metrics once and keep
/// them: recording is a few atomic instructions, finding takes a lock. A name has one kind for the life of the
/// process; asking for it as another kind gives a metric that is not rendered.
public final class MetricsRegistry: Sendable {
    private let families = Mutex<[String: MetricFamily]>([:])

    public init() {}

    /// A number that only grows.
    public func counter(_ name: String, help: String, _ labels: [(String, String)] = []) -> Counter {
        Counter(cell: find(name, help, .counter, labels) { AtomicCell() } ?? AtomicCell())
    }

    /// A number that goes up and down.
    public func gauge(_ name: String, help: String, _ labels: [(String, String)] = []) -> Gauge {
        Gauge(cell: find(name, help, .gauge, labels) { AtomicCell() } ?? AtomicCell())
    }

    /// A histogram of durations in seconds, with buckets from 0.5 ms to ten minutes.
    public func timer(_ name: String, help: String, _ labels: [(String, String)] = []) -> Timer {
        Timer(histogram: find(name, help, .histogram, labels) { DurationHistogram() } ?? DurationHistogram())
    }

    /// The Prometheus text exposition format, version 0.0.4.
    public func render() -> String {
        let families = families.withLock { $0 }
        return families.sorted { $0.key < $1.key }.map { $1.text(named: $0) }.joined()
    }

    private func find<Cell: MetricCell>(
        _ name: String, _ help: String, _ kind: MetricFamily.Kind, _ labels: [(String, String)],
        make: () -> Cell
    ) -> Cell? {
        let key = MetricFamily.labelText(labels)
        return families.withLock { families in
            var family = families[name] ?? MetricFamily(kind: kind, help: help)
            guard family.kind == kind else { return nil }
            if let known = family.cells[key] { return known as? Cell }
            let cell = make()
            family.cells[key] = cell
            families[name] = family
            return cell
        }
    }
}

/// Counts events, since the start of the process.
public struct Counter: Sendable {
    let cell: AtomicCell
    public func increment(by amount: Int64 = 1) { cell.add(amount) }
    /// What was counted so far.
    public var value: Int64 { cell.integer }
}

/// Holds the last recorded value.
public struct Gauge: Sendable {
    let cell: AtomicCell
    public func record(_ value: Double) { cell.set(value) }
}

/// Counts durations by size.
public struct Timer: Sendable {
    let histogram: DurationHistogram
    public func record(_ duration: Duration) { histogram.record(duration) }
}
