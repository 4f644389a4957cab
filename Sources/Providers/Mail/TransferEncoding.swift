import FoundationEssentials

/// Bodies as lines of at most 76 ASCII characters (RFC 2045), which every mail server passes on unchanged.
enum TransferEncoding {
    /// For text: line breaks of any kind become CRLF.
    static func quotedPrintable(_ text: String) -> String {
        text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }
            .map(encodeLine).joined(separator: "\r\n")
    }

    static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ])
    }

    /// A line that is longer goes on after a `=` at its end.
    private static func encodeLine(_ line: Substring) -> String {
        let bytes = Array(line.utf8)
        var encoded = ""
        var width = 0
        for (index, byte) in bytes.enumerated() {
            let isLast = index == bytes.count - 1
            let isBlank = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
            let isPlain = byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "=") || isBlank && !isLast
            let piece = isPlain ? String(UnicodeScalar(byte)) : "=" + MailHeader.hex(byte)
            if width + piece.utf8.count > 75 {
                encoded += "=\r\n"
                width = 0
            }
            encoded += piece
            width += piece.utf8.count
        }
        return encoded
    }
}
