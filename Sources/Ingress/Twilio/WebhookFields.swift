import HTTP

/// Reads fields of a webhook, each with its limits.
extension TwilioWebhook {
    /// Twilio's id of the call.
    var callSID: String {
        get throws(Problem) {
            guard let sid = form["CallSid"] else { throw .invalid("CallSid", "is missing") }
            guard (1...64).contains(sid.utf8.count), sid.utf8.allSatisfy(Self.isLetterOrDigit) else {
                throw .invalid("CallSid", "is not a call's sid")
            }
            return sid
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        // Upper and lower case differ in one bit.
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte & 0b1101_1111)
    }

    /// A query parameter that is a number, nil when it is absent.
    func number(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let text = query[name] else { return nil }
        guard let number = Int64(text), range.contains(number) else {
            throw .invalid(name, "is not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A field of the form, or else of the query, where we carry it along: without control characters, cut to `limit`
    /// characters, nil when nothing is left.
    func text(_ field: String, carriedAs parameter: String? = nil, limit: Int) -> String? {
        guard let text = form[field] ?? parameter.flatMap({ query[$0] }) else { return nil }
        let visible = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }
        let trimmed = String(String.UnicodeScalarView(visible)).split(whereSeparator: \.isWhitespace)
            .joined(separator: " ")
        return trimmed.isEmpty ? nil : String(trimmed.prefix(limit))
    }
}
