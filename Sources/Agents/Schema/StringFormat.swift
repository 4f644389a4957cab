/// The values of `format` that are checked.
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
        case .date: Self.isDate(text[...]) ? nil : "must be a date that exists, such as 2025-01-31"
        case .email: Self.isEmail(text) ? nil : "must be an e-mail address"
        }
    }

    private static func isDateTime(_ text: String) -> Bool {
        let pattern = /(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(\.\d+)?([Zz]|[+-](\d\d):(\d\d))/
        guard let match = text.wholeMatch(of: pattern), isDate(match.1) else { return false }
        func isAtMost(_ digits: Substring?, _ limit: Int) -> Bool {
            digits.flatMap { Int($0) }.map { $0 <= limit } ?? true
        }
        // A leap second is 60.
        return isAtMost(match.2, 23) && isAtMost(match.3, 59) && isAtMost(match.4, 60) && isAtMost(match.7, 23)
            && isAtMost(match.8, 59)
    }

    private static func isDate(_ text: Substring) -> Bool {
        guard let match = text.wholeMatch(of: /(\d{4})-(\d\d)-(\d\d)/), let year = Int(match.1),
            let month = Int(match.2), let day = Int(match.3), (1...12).contains(month)
        else { return false }
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return (1...days[month - 1]).contains(day)
    }

    /// One @, a name before it and a dotted domain behind it; whether it exists only a message can tell.
    private static func isEmail(_ text: String) -> Bool {
        text.utf8.count <= 254
            && text.wholeMatch(
                of:
                    /[^\s@"(),:;<>\[\]\\]{1,64}@[\p{L}\p{N}]([\p{L}\p{N}\-]*[\p{L}\p{N}])?(\.[\p{L}\p{N}]([\p{L}\p{N}\-]*[\p{L}\p{N}])?)+/
            )
                != nil
    }
}
