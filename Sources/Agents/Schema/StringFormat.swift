/// The values of `format` that are checked: by hand, since regular expressions cost more than the tool call around them.
enum StringFormat: String {
    /// RFC 3339: a date that exists, a time, and an offset.
    case dateTime = "date-time"
    case date
    case email

    /// Nil when the text has this format.
    func problem(of text: String) -> String? {
        switch self {
        case .dateTime:
            Self.isDateTime(text) ? nil : "must be a date and time with offset, such as 2025-01-31T15:00:00-06:00"
        case .date: Self.isDate(text) ? nil : "must be a date that exists, such as 2025-01-31"
        case .email: Self.isEmail(text) ? nil : "must be an e-mail address"
        }
    }

    // MARK: dates

    /// Takes digits and marks off the beginning of a text.
    private struct Scanner {
        var rest: Substring.UTF8View

        /// So many digits, of at most this value.
        mutating func number(_ digits: Int, atMost limit: Int = .max) -> Int? {
            let taken = rest.prefix(digits)
            guard taken.count == digits, taken.allSatisfy(Self.isDigit) else { return nil }
            rest = rest.dropFirst(digits)
            let value = taken.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
            return value <= limit ? value : nil
        }

        /// One of these.
        mutating func take(_ marks: StaticString) -> Bool {
            guard let first = rest.first, marks.withUTF8Buffer({ $0.contains(first) }) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func digits() -> Bool {
            let count = rest.prefix(while: Self.isDigit).count
            rest = rest.dropFirst(count)
            return count > 0
        }

        mutating func date() -> Bool {
            guard let year = number(4), take("-"), let month = number(2, atMost: 12), month > 0, take("-"),
                let day = number(2)
            else { return false }
            let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
            let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            return (1...days[month - 1]).contains(day)
        }

        private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    }

    private static func isDate(_ text: String) -> Bool {
        var scanner = Scanner(rest: text[...].utf8)
        return scanner.date() && scanner.rest.isEmpty
    }

    private static func isDateTime(_ text: String) -> Bool {
        var scanner = Scanner(rest: text[...].utf8)
        // A leap second is 60.
        guard scanner.date(), scanner.take("Tt "), scanner.number(2, atMost: 23) != nil, scanner.take(":"),
            scanner.number(2, atMost: 59) != nil, scanner.take(":"), scanner.number(2, atMost: 60) != nil
        else { return false }
        if scanner.take("."), !scanner.digits() { return false }
        if scanner.take("Zz") { return scanner.rest.isEmpty }
        return scanner.take("+-") && scanner.number(2, atMost: 23) != nil && scanner.take(":")
            && scanner.number(2, atMost: 59) != nil && scanner.rest.isEmpty
    }

    // MARK: e-mail

    /// One @, a name before it and a dotted domain behind it; whether it exists only a message can tell.
    private static func isEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard text.utf8.count <= 254, parts.count == 2, (1...64).contains(parts[0].count) else { return false }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        return parts[0].allSatisfy { !$0.isWhitespace && !#""(),:;<>[]\"#.contains($0) }
            && labels.count > 1 && labels.allSatisfy(isLabel)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        func isAlphanumeric(_ character: Character) -> Bool { character.isLetter || character.isNumber }
        guard let first = label.first, let last = label.last, isAlphanumeric(first), isAlphanumeric(last) else {
            return false
        }
        return label.allSatisfy { isAlphanumeric($0) || $0 == "-" }
    }
}
