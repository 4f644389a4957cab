import Platform
import Testing

@Suite struct JSONTests {
    @Test(
        "Text is read as the value that RFC 8259 says",
        arguments: [
            ("null", .null), (" true ", true), ("[]", []), ("{}", [:]), ("0", 0), ("-0", 0), ("-12", -12),
            ("9223372036854775807", .integer(.max)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            ("1.0", 1), ("1.5e3", 1500), ("0.1", 0.1), ("-2.5E-1", -0.25), ("1e300", .number(1e300)),
            ("\"\"", ""), (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\ud83d\ude00""#, "é😀"),
            ("\"é😀\"", "é😀"), ("[1,[2,{\"a\":null}]]", [1, [2, ["a": nil]]]),
            (" { \"a\" : [ 1 , 2 ] , \"b\" : false } ", ["a": [1, 2], "b": false]), (#"{"a":1,"a":2}"#, ["a": 2]),
            ("\u{FEFF}1", 1),
        ] as [(String, JSON)])
    func reading(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
        #expect(try JSON(parsing: value.text) == value)
    }

    @Test(
        "Text that is not JSON is refused",
        arguments: [
            "", " ", "nul", "nulll", "tru", "[1,]", "[1 2]", "[", "]", "{", "{\"a\"}", "{\"a\":}", "{a:1}",
            "{\"a\":1,}",
            "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "NaN", "Infinity", "1e999", "\"", "\"\\\"", "\"\\x\"",
            "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "\"a\u{1}\"", "1 1", "'a'",
            "[1]]",
        ])
    func refusing(text: String) {
        #expect(throws: DecodingError.self) { try JSON(parsing: text) }
    }

    @Test("Bytes that are not UTF-8 are refused inside a string")
    func notUTF8() {
        #expect(throws: DecodingError.self) { try JSON(parsing: [0x22, 0xFF, 0x22]) }
    }

    @Test("Nesting is read to 512 levels and refused beyond, without exhausting the stack")
    func nesting() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
        }
        _ = try JSON(parsing: nested(512))
        #expect(throws: DecodingError.self) { try JSON(parsing: nested(513)) }
        #expect(throws: DecodingError.self) { try JSON(parsing: String(repeating: "[", count: 1_000_000)) }
    }

    @Test("Equal values have equal text: members are sorted, escapes are the shortest, slashes are bare")
    func writing() {
        let value: JSON = ["b": [1, 2.5, nil], "a": "x/\"\\\n\u{1}é", "ä": true, "c": 2.0]
        #expect(value.text == #"{"a":"x/\"\\\n\u0001é","b":[1,2.5,null],"c":2,"ä":true}"#)
        #expect(JSON.number(.nan).text == "\"NaN\"")
    }

    private struct Shape: Codable, Equatable {
        var name: String
        var sizes: [Int]
        var note: String?
    }

    @Test("A value of a known shape survives the way through JSON")
    func shapes() throws {
        let shape = Shape(name: "ñ", sizes: [1, -2], note: nil)
        #expect(try JSON(encoding: shape) == ["name": "ñ", "sizes": [1, -2]])
        #expect(try JSON(encoding: shape).decode(Shape.self) == shape)
    }
}
