import Platform

/// Rows under a header, printed to fit the terminal, or as JSON.
struct Table {
    struct Column {
        let title: String
        let alignsRight: Bool
        init(_ title: String, alignsRight: Bool = false) {
            self.title = title
            self.alignsRight = alignsRight
        }
    }

    let columns: [Column]
    private(set) var rows: [[String]] = []

    init(_ columns: [Column]) { self.columns = columns }

    mutating func add(_ cells: [String?]) {
        rows.append(cells.map { cell in (cell ?? "").map { $0.isNewline ? " " : String($0) }.joined() })
    }

    /// - Parameter width: columns of the terminal; nil does not shorten anything.
    func text(width: Int?) -> String {
        let widths = fittedWidths(width)
        let lines = [columns.map(\.title)] + rows
        return lines.map { line(of: $0, widths) }.joined(separator: "\n")
    }

    private func line(of cells: [String], _ widths: [Int]) -> String {
        let padded = zip(zip(cells, columns), widths).map { pair, width in
            let (cell, column) = pair
            let shown = cell.displayWidth > width ? cell.shortened(to: width) : cell
            let padding = String(repeating: " ", count: max(0, width - shown.displayWidth))
            return column.alignsRight ? padding + shown : shown + padding
        }
        let line = padded.joined(separator: "  ")
        return String(line.reversed().drop { $0 == " " }.reversed())
    }

    /// As wide as the contents, the widest column giving way first.
    private func fittedWidths(_ limit: Int?) -> [Int] {
        var widths = columns.indices.map { column in
            max(columns[column].title.displayWidth, rows.map { $0[column].displayWidth }.max() ?? 0)
        }
        guard let limit else { return widths }
        while widths.reduce(0, +) + 2 * (widths.count - 1) > limit,
            let widest = widths.indices.max(by: { widths[$0] < widths[$1] }), widths[widest] > 4
        {
            widths[widest] -= 1
        }
        return widths
    }
}

extension String {
    /// Columns that a terminal takes for it: most East Asian characters and emoji take two.
    var displayWidth: Int { reduce(0) { $0 + $1.displayWidth } }

    fileprivate func shortened(to width: Int) -> String {
        var result = ""
        var used = 0
        for character in self {
            guard used + character.displayWidth <= width - 1 else { break }
            result.append(character)
            used += character.displayWidth
        }
        return result + "…"
    }
}

extension Character {
    fileprivate var displayWidth: Int {
        guard let value = unicodeScalars.first?.value else { return 0 }
        let isWide =
            switch value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                true
            default: false
            }
        return isWide ? 2 : 1
    }
}
