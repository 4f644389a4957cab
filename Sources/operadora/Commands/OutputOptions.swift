import Platform

/// Every command that prints a table prints it as JSON too.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON instead of a table.") var json: Bool

    /// Prints rows, each an object, under columns named like their members.
    func print(_ rows: [JSON], _ columns: [Table.Column]) {
        if json { return Console.print(JSON.array(rows).text) }
        var table = Table(columns)
        for row in rows { table.add(columns.map { Self.cell(row[$0.title]) }) }
        Console.print(table.text(width: Console.width))
    }

    /// A value as a cell of a table shows it; null is empty.
    static func cell(_ value: JSON?) -> String {
        switch value {
        case nil, .null: ""
        case .string(let text): text
        case .some(let other): other.text
        }
    }
}
