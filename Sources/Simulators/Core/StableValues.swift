import Platform

extension SeededGenerator {
    /// 0 ..< 1.
    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }
}

/// A hash that does not change between processes, unlike Swift's own (FNV-1a, 64 bits).
func stableHash(_ text: String, seed: UInt64 = 0) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325 ^ seed) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
}

/// An identifier of so many letters of `alphabet`, always the same for the same text.
func stableIdentifier(_ text: String, count: Int, alphabet: String) -> String {
    let letters = Array(alphabet)
    var random = SeededGenerator(seed: stableHash(text))
    return String((0..<count).map { _ in letters[Int(random.next() % UInt64(letters.count))] })
}
