import Platform

/// Recognises a page for people where data for a program was expected.
public enum WebPage {
    /// Before the page itself: a byte order mark, an XML declaration, comments.
    private static let maximumPreamble = 4_096

    /// Whether the bytes begin as an HTML document does. Costs a look at the first byte for what is none.
    public static func begins(_ bytes: some Collection<UInt8>) -> Bool {
        var rest = bytes.prefix(maximumPreamble)
        if rest.starts(with: "\u{FEFF}".utf8) { rest = rest.dropFirst("\u{FEFF}".utf8.count) }
        while true {
            rest = rest.drop(while: isSpace)
            guard rest.first == UInt8(ascii: "<") else { return false }
            let closing: String
            if rest.starts(with: "<?".utf8) {
                closing = "?>"
            } else if rest.starts(with: "<!--".utf8) {
                closing = "-->"
            } else {
                break
            }
            guard let end = rest.firstRange(of: closing.utf8) else { return false }
            rest = rest[end.upperBound...]
        }
        let start = String(decoding: rest.prefix(14), as: UTF8.self).lowercased()
        return start.hasPrefix("<!doctype html") || start.hasPrefix("<html")
    }

    /// Whether a tool's value is one, or has one in a member.
    static func isIn(_ value: JSON) -> Bool {
        switch value {
        case .string(let text): begins(text.utf8)
        case .object(let members):
            members.values.contains { if case .string(let text) = $0 { begins(text.utf8) } else { false } }
        default: false
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
