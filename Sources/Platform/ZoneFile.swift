/// The contents of a TZif file (RFC 8536, versions 2 to 4): the changes of a zone's offset, and the rule by which they
/// go on after the last one listed.
struct ZoneFile: Sendable {
    /// Seconds since 1970 from which the offset of the same index holds, in order.
    private var changes: [Int64] = []
    private var offsets: [Int] = []
    /// Before the first change.
    private var firstOffset = 0
    private var rule: ZoneRule?

    init(offset: Int) { firstOffset = offset }

    /// Nil when the bytes are not a TZif file of version 2 or later.
    init?(parsing bytes: [UInt8]) {
        var reader = ZoneFileReader(bytes)
        // Version 1 data comes first, with 32-bit times; only its length matters.
        guard let old = reader.header(), reader.skip(old.length(timeBytes: 4)), let header = reader.header() else {
            return nil
        }
        guard let times = reader.integers(header.times, width: 8), let indices = reader.bytes(header.times),
            let types = reader.types(header.types), !types.isEmpty,
            indices.allSatisfy({ Int($0) < types.count }),
            reader.skip(header.characters + header.leapSeconds * 12 + header.isStandard + header.isUniversal)
        else { return nil }
        changes = times
        offsets = indices.map { types[Int($0)] }
        firstOffset = types[0]
        rule = reader.footer().flatMap(ZoneRule.init(parsing:))
    }

    /// Seconds east of UTC at this second since 1970.
    func offset(at second: Int) -> Int {
        guard let last = changes.last else { return rule?.offset(at: second) ?? firstOffset }
        if second >= last, let rule { return rule.offset(at: second) }
        // The first change later than `second`, by halving.
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle] <= Int64(second) { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? firstOffset : offsets[low - 1]
    }
}

/// Walks over the bytes of a TZif file; every read past the end is nil.
private struct ZoneFileReader {
    struct Header {
        var isUniversal: Int, isStandard: Int, leapSeconds: Int, times: Int, types: Int, characters: Int

        /// Of the data that follows it.
        func length(timeBytes: Int) -> Int {
            times * (timeBytes + 1) + types * 6 + characters + leapSeconds * (timeBytes + 4) + isStandard + isUniversal
        }
    }

    private let all: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { all = bytes }

    mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= all.count - position else { return nil }
        defer { position += count }
        return all[position..<position + count]
    }

    mutating func skip(_ count: Int) -> Bool { bytes(count) != nil }

    /// Big-endian, signed.
    mutating func integers(_ count: Int, width: Int) -> [Int64]? {
        guard let bytes = bytes(count * width) else { return nil }
        return (0..<count).map { index in
            let start = bytes.startIndex + index * width
            let sign: UInt64 = bytes[start] >= 128 ? .max : 0
            return Int64(bitPattern: bytes[start..<start + width].reduce(sign) { $0 << 8 | UInt64($1) })
        }
    }

    mutating func header() -> Header? {
        guard let magic = bytes(5), magic.prefix(4).elementsEqual("TZif".utf8), magic.last ?? 0 >= UInt8(ascii: "2"),
            skip(15), let counts = integers(6, width: 4), counts.allSatisfy({ (0...100_000).contains($0) })
        else { return nil }
        let numbers = counts.map { Int($0) }
        return Header(
            isUniversal: numbers[0], isStandard: numbers[1], leapSeconds: numbers[2], times: numbers[3],
            types: numbers[4], characters: numbers[5])
    }

    /// The offset of each local time type; whether it is summer time and its abbreviation do not matter here.
    mutating func types(_ count: Int) -> [Int]? {
        var offsets: [Int] = []
        for _ in 0..<count {
            guard let offset = integers(1, width: 4)?.first, skip(2) else { return nil }
            offsets.append(Int(offset))
        }
        return offsets
    }

    /// The POSIX rule between two line feeds at the end.
    mutating func footer() -> String? {
        guard position < all.count, all[position] == UInt8(ascii: "\n") else { return nil }
        return String(decoding: all[(position + 1)...].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
