import Testing

@testable import Calls

@Suite struct CSVParserTests {
    /// "line: field | field" for each record; the text is fed in pieces of every size up to its length.
    private func records(_ text: String, delimiter: Character = ",") throws -> [String] {
        let bytes = Array(text.utf8)
        let whole = try parse([bytes], delimiter)
        for size in 1...max(1, min(bytes.count, 7)) {
            let pieces = stride(from: 0, to: bytes.count, by: size).map {
                Array(bytes[$0..<min($0 + size, bytes.count)])
            }
            #expect(try parse(pieces, delimiter) == whole, "in pieces of \(size) bytes")
        }
        return whole
    }

    private func parse(_ pieces: [[UInt8]], _ delimiter: Character) throws -> [String] {
        var parser = CSVParser(delimiter: delimiter.asciiValue ?? .comma)
        var records: [String] = []
        let emit: (CSVRecord) -> Void = { record in
            let fields = record.fields.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "|")
            records.append("\(record.line): \(fields)" + (record.fieldWithTextAfterQuote.map { " !\($0)" } ?? ""))
        }
        for piece in pieces { try parser.consume(piece, emit) }
        try parser.finish(emit)
        return records
    }

    @Test(
        "A file is read as RFC 4180 and its common dialects write it",
        arguments: [
            ("a,b\nc,d\n", ["1: a|b", "2: c|d"]),
            ("a,b\r\nc,d\r\n", ["1: a|b", "2: c|d"]),
            ("a,b\rc,d\r", ["1: a|b", "2: c|d"]),
            ("a,b\nc,d", ["1: a|b", "2: c|d"]),
            ("a\n\n\nb", ["1: a", "4: b"]),
            ("a\r\n\r\nb\r\n", ["1: a", "3: b"]),
            ("a\r\rb", ["1: a", "3: b"]),
            ("a,,\n,,\n", ["1: a||", "2: ||"]),
            ("\"a\",\"b\"\n", ["1: a|b"]),
            ("\"a,b\",c\n", ["1: a,b|c"]),
            ("\"say \"\"hi\"\"\",c\n", ["1: say \"hi\"|c"]),
            ("\"\",x\n\"\"\"\"\n", ["1: |x", "2: \""]),
            ("a,\"two\nlines\"\nb\n", ["1: a|two\nlines", "3: b"]),
            ("a,\"two\r\nlines\"\r\nb\r\n", ["1: a|two\r\nlines", "3: b"]),
            ("a,\"two\rlines\"\rb\r", ["1: a|two\rlines", "3: b"]),
            ("5\" pipe,b\n", ["1: 5\" pipe|b"]),
            ("a \"b\" c,d\n", ["1: a \"b\" c|d"]),
            ("\"a\"b,c\nd\n", ["1: ab|c !0", "2: d"]),
            ("x,\"a\" ,c\n", ["1: x|a |c !1"]),
            ("", []),
            ("\n\r\n\r", []),
            ("\"\"", ["1: "]),
        ])
    func dialects(text: String, expected: [String]) throws {
        #expect(try records(text) == expected)
    }

    @Test("Any byte can be the delimiter, and then the comma is none")
    func delimiters() throws {
        #expect(try records("a;\"b;c\";d,e\n", delimiter: ";") == ["1: a|b;c|d,e"])
        #expect(try records("a\tb,c\n", delimiter: "\t") == ["1: a|b,c"])
    }

    @Test("A quote that is never closed is an error at the line on which it opens")
    func unclosedQuote() {
        #expect(throws: CSVError.unclosedQuote(line: 3)) { try records("a\nb\nc,\"d\ne\nf\n") }
    }

    @Test("A record is never larger in memory than its limit")
    func recordLimit() {
        var parser = CSVParser(delimiter: .comma)
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)
        #expect(throws: CSVError.recordTooLong(line: 2, limit: CSVParser.maximumRecordBytes)) {
            try parser.consume(Array("a\n\"".utf8)) { _ in }
            for _ in 0...16 { try parser.consume(piece) { _ in } }
        }
    }

    @Test("Delimiters without end are counted against the record's limit, and few of them are kept")
    func manyFields() throws {
        var parser = CSVParser(delimiter: .comma)
        var kept = 0
        try parser.consume([UInt8](repeating: .comma, count: 500_000)) { _ in }
        try parser.finish { kept = $0.fields.count }
        #expect(kept == CSVParser.maximumFields)
        #expect(throws: CSVError.self) {
            var parser = CSVParser(delimiter: .comma)
            try parser.consume([UInt8](repeating: .comma, count: 2_000_000)) { _ in }
        }
    }
}
