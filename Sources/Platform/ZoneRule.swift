/// How a zone's offset goes on year after year: a POSIX `TZ` value such as `EST5EDT,M3.2.0,M11.1.0`, with the hours
/// beyond a day that RFC 8536 allows. Of the forms of a date only `Mm.w.d` is in use, and read.
struct ZoneRule: Sendable {
    /// The nth weekday (5 is the last) of a month, and the second of that day on the clock before the change.
    private struct Change: Sendable {
        var month: Int, week: Int, weekday: Int, second: Int

        /// Seconds since 1970 as the clock before the change counts them.
        func localSecond(in year: Int) -> Int {
            let first = CivilTime(year: year, month: month, day: 1)
            // POSIX counts days from Sunday, `CivilTime` from Monday.
            let offset = ((weekday + 6) % 7 - first.weekday + 7) % 7 + (week - 1) * 7
            var day = first.daysSince1970 + offset
            if CivilTime(daysSince1970: day).month != month { day -= 7 }
            return day * 86_400 + second
        }
    }

    private var standard: Int
    private var summer: (offset: Int, begins: Change, ends: Change)?

    /// Nil when the text is not such a rule.
    init?(parsing text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        var names = parts.first.map { $0[...] } ?? ""
        guard Self.dropName(&names), let west = Self.time(&names) else { return nil }
        standard = -west
        if names.isEmpty { return }
        guard Self.dropName(&names), parts.count == 3, let begins = Self.change(parts[1]),
            let ends = Self.change(parts[2])
        else { return nil }
        let summerWest = names.isEmpty ? west - 3_600 : Self.time(&names)
        guard let summerWest, names.isEmpty else { return nil }
        summer = (-summerWest, begins, ends)
    }

    /// Seconds east of UTC at this second since 1970.
    func offset(at second: Int) -> Int {
        guard let summer else { return standard }
        let year = CivilTime(secondsSince1970: second + standard).year
        let begin = summer.begins.localSecond(in: year) - standard
        let end = summer.ends.localSecond(in: year) - summer.offset
        // South of the equator summer runs over the new year.
        let isSummer = begin < end ? begin <= second && second < end : second < end || begin <= second
        return isSummer ? summer.offset : standard
    }

    /// `EST`, or `<-03>` when it is not letters alone.
    private static func dropName(_ text: inout Substring) -> Bool {
        if text.first == "<" {
            guard let end = text.firstIndex(of: ">") else { return false }
            text = text[text.index(after: end)...]
            return true
        }
        let rest = text.drop(while: \.isLetter)
        defer { text = rest }
        return rest.startIndex != text.startIndex
    }

    /// `[+-]hh[:mm[:ss]]` in seconds, taken from the front.
    private static func time(_ text: inout Substring) -> Int? {
        let number = text.prefix { $0.isNumber || "+-:".contains($0) }
        text = text[number.endIndex...]
        let parts = number.drop { "+-".contains($0) }.split(separator: ":").map { Int($0) }
        guard let hours = parts.first ?? nil, parts.count <= 3, !parts.contains(nil) else { return nil }
        let seconds = zip(parts.compactMap { $0 }, [3_600, 60, 1]).reduce(0) { $0 + $1.0 * $1.1 }
        return number.first == "-" ? -seconds : hours >= 0 ? seconds : nil
    }

    /// `M3.2.0`, or `M3.2.0/1` with a time other than 02:00.
    private static func change(_ text: Substring) -> Change? {
        let parts = text.split(separator: "/", maxSplits: 1)
        guard let date = parts.first, date.first == "M" else { return nil }
        let numbers = date.dropFirst().split(separator: ".").compactMap { Int($0) }
        guard numbers.count == 3, (1...12).contains(numbers[0]), (1...5).contains(numbers[1]),
            (0...6).contains(numbers[2])
        else { return nil }
        var second = 7_200
        if parts.count == 2 {
            var time = parts[1]
            guard let given = Self.time(&time), time.isEmpty else { return nil }
            second = given
        }
        return Change(month: numbers[0], week: numbers[1], weekday: numbers[2], second: second)
    }
}
