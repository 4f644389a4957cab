/// Clock times in a text, as minutes of the day: "2:30 PM", "14:00", "14h", "14h30", "a las 2".
///
/// "at 2" may be either half of the day, so both are found. Without regular expressions: both sides of every simulated
/// conversation read with this, and benchmarks measure what stands between them.
enum ClockTimes {
    static func find(in text: String) -> Set<Int> {
        var times: Set<Int> = []
        let bytes = Array(text.lowercased().utf8)
        var index = 0
        while index < bytes.count {
            let end = bytes[index...].firstIndex { !isDigit($0) } ?? bytes.count
            guard end > index else {
                index += 1
                continue
            }
            if end - index <= 2, let hour = number(bytes[index..<end]) {
                times.formUnion(readings(of: hour, followedBy: bytes[end...], after: bytes[..<index]))
            }
            // Minutes were read with their hour.
            index = end + (end < bytes.count && minutes(bytes[(end + 1)...]) != nil && isLink(bytes[end]) ? 3 : 0)
        }
        return times
    }

    private static func readings(
        of hour: Int, followedBy rest: ArraySlice<UInt8>, after before: ArraySlice<UInt8>
    ) -> Set<Int> {
        guard let link = rest.first else { return bare(hour, after: before) }
        let minute = isLink(link) ? minutes(rest.dropFirst()) : nil
        if link == UInt8(ascii: ":"), minute == nil { return [] }
        let tail = rest.dropFirst(minute != nil ? 3 : link == UInt8(ascii: "h") ? 1 : 0)
        if let half = half(of: tail) { return minuteOfDay(hour % 12 + half, minute) }
        if isLink(link) { return minuteOfDay(hour, minute) }
        return bare(hour, after: before)
    }

    /// A number alone is a time after a word that leads to one.
    private static func bare(_ hour: Int, after before: ArraySlice<UInt8>) -> Set<Int> {
        let words = before.split(separator: UInt8(ascii: " "))
        guard before.last == UInt8(ascii: " "), let word = words.last else { return [] }
        let leads = ["at", "las", "la", "as", "às"].contains { $0.utf8.elementsEqual(word) }
        return leads ? minuteOfDay(hour, nil).union(minuteOfDay((hour + 12) % 24, nil)) : []
    }

    private static func minuteOfDay(_ hour: Int, _ minute: Int?) -> Set<Int> {
        hour < 24 && minute ?? 0 < 60 ? [hour * 60 + (minute ?? 0)] : []
    }

    /// 0 for "am" or "a.m.", 12 for "pm" or "p.m.", after spaces or none.
    private static func half(of text: ArraySlice<UInt8>) -> Int? {
        let letters = text.drop { $0 == UInt8(ascii: " ") }.prefix(4).filter { $0 != UInt8(ascii: ".") }
        guard letters.count > 1, letters[1] == UInt8(ascii: "m") else { return nil }
        // "pm" and no longer word.
        guard letters.count < 3 || !isLetter(letters[2]) else { return nil }
        return letters[0] == UInt8(ascii: "a") ? 0 : letters[0] == UInt8(ascii: "p") ? 12 : nil
    }

    /// Two digits and no third.
    private static func minutes(_ text: ArraySlice<UInt8>) -> Int? {
        let digits = text.prefix { isDigit($0) }
        return digits.count == 2 ? number(digits) : nil
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? { Int(String(decoding: digits, as: UTF8.self)) }
    private static func isLink(_ byte: UInt8) -> Bool { byte == UInt8(ascii: ":") || byte == UInt8(ascii: "h") }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
}
