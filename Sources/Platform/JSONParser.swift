/// Reads RFC 8259 text, strictly, in one pass over its bytes.
///
/// Of a member that is repeated the last one stands, as in PostgreSQL's jsonb.
struct JSONParser {
    static let maximumDepth = 512

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    /// Throws `DecodingError.dataCorrupted`, which names the offset and nothing of the text.
    static func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws -> JSON {
        var parser = JSONParser(bytes: bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { parser.position = 3 }
        let value = try parser.value()
        parser.skipWhitespace()
        guard parser.position == bytes.count else { throw parser.unexpected("the end of the text") }
        return value
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func value() throws -> JSON {
        skipWhitespace()
        switch current {
        case UInt8(ascii: "{"): return try nested { parser in .object(try parser.members()) }
        case UInt8(ascii: "["): return try nested { parser in .array(try parser.elements()) }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func nested(_ body: (inout JSONParser) throws -> JSON) throws -> JSON {
        depth += 1
        guard depth <= Self.maximumDepth else { throw unexpected("at most \(Self.maximumDepth) levels") }
        position += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func members() throws -> [String: JSON] {
        var members: [String: JSON] = [:]
        if skip(UInt8(ascii: "}")) { return members }
        repeat {
            skipWhitespace()
            guard current == UInt8(ascii: "\"") else { throw unexpected("a member's name") }
            let name = try string()
            guard skip(UInt8(ascii: ":")) else { throw unexpected("a colon") }
            members[name] = try value()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "}")) else { throw unexpected("a comma or the end of the object") }
        return members
    }

    private mutating func elements() throws -> [JSON] {
        var elements: [JSON] = []
        if skip(UInt8(ascii: "]")) { return elements }
        repeat { elements.append(try value()) } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "]")) else { throw unexpected("a comma or the end of the array") }
        return elements
    }

    private mutating func string() throws -> String {
        position += 1
        let start = position
        while let byte = current {
            if byte == UInt8(ascii: "\"") {
                let text = try text(bytes[start..<position])
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw unexpected("no control character in a string") }
            position += 1
        }
        throw unexpected("the end of a string")
    }

    /// The way of a string with escapes: what stands before the first one is copied.
    private mutating func escapedString(from start: Int) throws -> String {
        var unescaped = Array(bytes[start..<position])
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try text(unescaped[...])
            case UInt8(ascii: "\\"): try appendEscape(to: &unescaped)
            case 0..<0x20: throw unexpected("no control character in a string")
            default: unescaped.append(byte)
            }
        }
        throw unexpected("the end of a string")
    }

    private mutating func appendEscape(to text: inout [UInt8]) throws {
        guard let byte = current else { throw unexpected("an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text += Array(Character(try unicodeEscape()).utf8)
        default: throw unexpected("an escape")
        }
    }

    /// Four digits, or a pair of surrogates in two times four.
    private mutating func unicodeEscape() throws -> Unicode.Scalar {
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard (0xD800..<0xDC00).contains(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw unexpected("a pair of surrogates")
        }
        let second = try fourDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
        else { throw unexpected("a pair of surrogates") }
        return scalar
    }

    private mutating func fourDigits() throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = current.flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }) else {
                throw unexpected("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private func text(_ bytes: some Collection<UInt8>) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw unexpected("UTF-8") }
        return text
    }

    private mutating func number() throws -> JSON {
        let start = position
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        var isWhole = true
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try digits()
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isWhole = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        let numeral = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let integer = Int64(numeral) { return .integer(integer) }
        guard let number = Double(numeral), number.isFinite else {
            throw unexpected("a number within a double's range")
        }
        // 1.0 is the integer 1; beyond 2^53 a double no longer says which one it is.
        return number.magnitude < 9e15
            ? Int64(exactly: number).map { .integer($0) } ?? .number(number) : .number(number)
    }

    private mutating func digits() throws {
        let start = position
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw unexpected("a value") }
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws -> JSON {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count,
            bytes[position..<end].elementsEqual(
                UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
        else { throw unexpected("a value") }
        position = end
        return value
    }

    private mutating func skipWhitespace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Skips white space and, if it is next, this byte.
    private mutating func skip(_ byte: UInt8) -> Bool {
        skipWhitespace()
        return take(byte)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private func unexpected(_ wanted: String) -> DecodingError {
        let found = "not JSON at byte \(position + 1): expected \(wanted)"
        return .dataCorrupted(DecodingError.Context(codingPath: [], debugDescription: found))
    }
}
