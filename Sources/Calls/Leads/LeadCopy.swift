/// A lead as a row of PostgreSQL's COPY text format, for the columns
/// `line, phone, name, email, language, timezone, variables`.
enum LeadCopy {
    static func append(_ lead: ImportedLead, to bytes: inout [UInt8]) {
        bytes += String(lead.line).utf8
        for value in [lead.phone, lead.name, lead.email, lead.language, lead.timezone] {
            bytes.append(.tab)
            if let value {
                append(escaped: value.utf8, to: &bytes)
            } else {
                bytes += Array("\\N".utf8)
            }
        }
        bytes.append(.tab)
        append(escaped: variables(lead.variables), to: &bytes)
        bytes.append(.lineFeed)
    }

    /// What COPY's text format would read as its own is written with a backslash.
    private static func append(escaped value: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        for byte in value {
            switch byte {
            case .backslash: bytes += [.backslash, .backslash]
            case .tab: bytes += [.backslash, UInt8(ascii: "t")]
            case .lineFeed: bytes += [.backslash, UInt8(ascii: "n")]
            case .carriageReturn: bytes += [.backslash, UInt8(ascii: "r")]
            default: bytes.append(byte)
            }
        }
    }

    /// The JSON object of a lead's variables.
    private static func variables(_ variables: [(key: String, value: String)]) -> [UInt8] {
        var json = [UInt8(ascii: "{")]
        for (index, variable) in variables.enumerated() {
            if index > 0 { json.append(.comma) }
            append(string: variable.key, to: &json)
            json.append(UInt8(ascii: ":"))
            append(string: variable.value, to: &json)
        }
        json.append(UInt8(ascii: "}"))
        return json
    }

    private static func append(string: String, to json: inout [UInt8]) {
        json.append(.quote)
        for byte in string.utf8 {
            switch byte {
            case .quote, .backslash: json += [.backslash, byte]
            case 0..<0x20:
                let digits = String(byte, radix: 16)
                json += Array("\\u00\(digits.count == 1 ? "0" : "")\(digits)".utf8)
            default: json.append(byte)
            }
        }
        json.append(.quote)
    }
}

extension UInt8 {
    static let backslash: UInt8 = 0x5C
}
