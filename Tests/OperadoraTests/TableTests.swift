import Testing

@testable import operadora

@Suite struct TableTests {
    private let table: Table = {
        var table = Table([.init("id", alignsRight: true), .init("name"), .init("summary")])
        table.add(["7", "山田", "short"])
        table.add(["123", "Ana", "a summary that is longer\nthan the terminal is wide"])
        table.add(["8", nil, nil])
        return table
    }()

    @Test("Columns are as wide as what they hold, wide characters counted as two, line breaks as spaces")
    func alignment() {
        #expect(
            table.text(width: nil) == """
                 id  name  summary
                  7  山田  short
                123  Ana   a summary that is longer than the terminal is wide
                  8
                """)
    }

    @Test("A table fits the terminal: the widest column gives way", arguments: [20, 30, 45])
    func fitting(width: Int) {
        let lines = table.text(width: width).split(separator: "\n").map(String.init)
        #expect(lines.allSatisfy { $0.displayWidth <= width })
        #expect(lines[2].hasPrefix("123  Ana   a ") && lines[2].hasSuffix("…"))
    }
}
