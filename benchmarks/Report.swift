import Glibc
import Platform

/// What the benchmarks print.
enum Report {
    static func json(_ figures: [Figure]) -> String {
        let array = figures.map { figure in
            JSON.object([
                "name": .string(figure.name), "value": .number(figure.value), "unit": .string(figure.unit),
                "bar": figure.bar == nil ? .null : .string(figure.barText),
                "holds": figure.holds.map { .bool($0) } ?? .null,
            ])
        }
        return JSON.array(array).text
    }

    static func table(_ figures: [Figure]) -> String {
        let rows = figures.map { figure in
            [
                figure.name, Figure.text(figure.value), figure.unit, figure.barText,
                figure.holds.map { $0 ? "holds" : "MISSED" } ?? "",
            ]
        }
        let widths = (0..<5).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { text, width in text + String(repeating: " ", count: width - text.count) }
                .joined(separator: "  ")
        }.joined(separator: "\n")
    }

    /// Progress goes to standard error: standard output is the result's.
    static func note(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(2, line, line.count)
    }
}
