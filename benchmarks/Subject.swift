import Platform

/// Something to measure, by its name on the command line.
struct Subject: Sendable {
    let name: String
    let summary: String
    let run: @Sendable (Bench) async throws -> [Figure]
}

/// One measured value, and the bar that it is held against.
struct Figure: Sendable {
    enum Bar: Sendable {
        case atLeast(Double)
        case atMost(Double)
    }

    let name: String
    let value: Double
    let unit: String
    var bar: Bar?

    /// Nil without a bar.
    var holds: Bool? {
        switch bar {
        case .atLeast(let limit): value >= limit
        case .atMost(let limit): value <= limit
        case nil: nil
        }
    }

    var barText: String {
        switch bar {
        case .atLeast(let limit): "≥ \(Figure.text(limit))"
        case .atMost(let limit): "≤ \(Figure.text(limit))"
        case nil: ""
        }
    }

    /// Three significant digits are what a measurement is worth.
    static func text(_ value: Double) -> String {
        if value >= 1000 || value == value.rounded() { return "\(Int(value.rounded()))" }
        let digits: Double = value >= 10 ? 10 : value >= 1 ? 100 : 1000
        return "\((value * digits).rounded() / digits)"
    }
}

extension Array where Element == Double {
    /// The value below which `share` (0 … 1) of all lie; 0 when there are none.
    func percentile(_ share: Double) -> Double {
        guard !isEmpty else { return 0 }
        return sorted()[Swift.min(count - 1, Int(Double(count) * share))]
    }

    var median: Double { percentile(0.5) }
}
