import FoundationEssentials

/// Header fields of a message: plain where ASCII suffices, else encoded words (RFC 2047), folded so that no line is longer
/// than 76 bytes where a space allows it.
enum MailHeader {
    /// A line break in a value would begin a header, or the body, of whoever chose the value.
    static func check(_ value: String, field: String) throws(MailMessageError) {
        guard value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }) else {
            throw MailMessageError(field: field, problem: "has line breaks or control characters")
        }
    }

    static func line(_ name: String, _ value: String) -> String { fold("\(name): \(value)") + "\r\n" }

    /// Text of no special form, as in Subject.
    static func unstructured(_ text: String) -> String { isPlain(text) ? text : encodedWords(text) }

    /// A name before an address: atoms, else a quoted string, else encoded words.
    static func phrase(_ text: String) -> String {
        guard isPlain(text) else { return encodedWords(text) }
        let isAtoms = text.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte & 0xDF) || " !#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
        }
        if isAtoms { return text }
        return "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }

    /// A parameter such as a file's name (RFC 2231).
    static func parameter(_ name: String, _ value: String) -> String {
        if isPlain(value) {
            return "\(name)=\"\(value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
        }
        let encoded = value.utf8.map { byte in
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte & 0xDF) && byte < 0x80 || ".-_".utf8.contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + hex(byte)
        }
        return "\(name)*=UTF-8''\(encoded.joined())"
    }

    static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16, uppercase: true)
        return digits.count == 1 ? "0" + digits : digits
    }

    /// What needs no encoding: ASCII that a reader would not take for an encoded word, and that can be folded.
    private static func isPlain(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && !text.contains("=?")
            && text.utf8.split(separator: UInt8(ascii: " ")).allSatisfy { $0.count < 70 }
    }

    /// 39 bytes make 52 characters of base64, and 64 with their frame: one fits beside a header's name. No character is cut
    /// in two.
    private static func encodedWords(_ text: String) -> String {
        var words: [[UInt8]] = [[]]
        for scalar in text.unicodeScalars {
            let bytes = Array(String(scalar).utf8)
            if words[words.count - 1].count + bytes.count > 39 { words.append([]) }
            words[words.count - 1] += bytes
        }
        return words.map { "=?UTF-8?B?\(Data($0).base64EncodedString())?=" }.joined(separator: " ")
    }

    /// The space that a line is broken at stays, at the beginning of the next one.
    private static func fold(_ line: String) -> String {
        var folded = ""
        var width = 0
        for word in line.split(separator: " ", omittingEmptySubsequences: false) {
            if width > 0, width + 1 + word.utf8.count > 76, !folded.hasSuffix(":") {
                folded += "\r\n \(word)"
                width = 1 + word.utf8.count
            } else {
                folded += width == 0 ? "\(word)" : " \(word)"
                width += word.utf8.count + (width == 0 ? 0 : 1)
            }
        }
        return folded
    }
}
