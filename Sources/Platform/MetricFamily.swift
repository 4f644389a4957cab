import Synchronization

/// All metrics of one name, by their labels.
struct MetricFamily: Sendable {
    enum Kind: String, Sendable { case counter, gauge, histogram }

    let kind: Kind
    let help: String
    var cells: [String: any MetricCell] = [:]

    func text(named name: String) -> String {
        let escapedHelp = help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        let head = "# HELP \(name) \(escapedHelp)\n# TYPE \(name) \(kind.rawValue)\n"
        return cells.sorted { $0.key < $1.key }.reduce(head) { text, cell in
            text + cell.value.lines(name: name, labels: cell.key, kind: kind)
        }
    }

    /// `a="1",b="2"`, sorted by name: equal labels have equal text.
    static func labelText(_ labels: [(String, String)]) -> String {
        labels.sorted { $0.0 < $1.0 }.map { name, value in
            let escaped = value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return "\(name)=\"\(escaped)\""
        }.joined(separator: ",")
    }
}

/// The storage behind one metric.
protocol MetricCell: AnyObject, Sendable {
    func lines(name: String, labels: String, kind: MetricFamily.Kind) -> String
}

/// 64 bits that many threads add to or replace: an integer for counters, the bits of a `Double` for gauges.
final class AtomicCell: MetricCell {
    private let bits = Atomic<UInt64>(0)

    var integer: Int64 { Int64(bitPattern: bits.load(ordering: .relaxed)) }
    func add(_ amount: Int64) { bits.wrappingAdd(UInt64(bitPattern: amount), ordering: .relaxed) }
    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func lines(name: String, labels: String, kind: MetricFamily.Kind) -> String {
        let value = kind == .gauge ? Double(bitPattern: bits.load(ordering: .relaxed)).prometheus : "\(integer)"
        return labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
    }
}

/// Durations by bucket. Each bucket is an atomic of its own, so a scrape during recording may see a count that is one
/// ahead of the sum, as Prometheus allows.
final class DurationHistogram: MetricCell {
    /// Upper bounds in seconds; one more bucket takes the rest.
    static let bounds: [Double] = [
        0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
    ]
    private let buckets = (0...bounds.count).map { _ in AtomicCell() }
    private let nanoseconds = AtomicCell()

    func record(_ duration: Duration) {
        let seconds = duration.inSeconds
        let index = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        buckets[index].add(1)
        nanoseconds.add(Int64(max(0, seconds) * 1e9))
    }

    func lines(name: String, labels: String, kind: MetricFamily.Kind) -> String {
        let prefix = labels.isEmpty ? "" : labels + ","
        var count: Int64 = 0
        var text = ""
        for (bound, bucket) in zip(Self.bounds + [.infinity], buckets) {
            count += bucket.integer
            text += "\(name)_bucket{\(prefix)le=\"\(bound.prometheus)\"} \(count)\n"
        }
        let suffix = labels.isEmpty ? "" : "{\(labels)}"
        let sum = (Double(nanoseconds.integer) / 1e9).prometheus
        return text + "\(name)_sum\(suffix) \(sum)\n\(name)_count\(suffix) \(count)\n"
    }
}

extension Double {
    fileprivate var prometheus: String {
        if isNaN { return "NaN" }
        if isInfinite { return self > 0 ? "+Inf" : "-Inf" }
        return rounded() == self && magnitude < 1e15 ? "\(Int64(self))" : "\(self)"
    }
}
