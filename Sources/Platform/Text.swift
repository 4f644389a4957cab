extension StringProtocol {
    /// Without white space at both ends.
    public var trimmed: SubSequence {
        guard let start = firstIndex(where: { !$0.isWhitespace }),
            let end = lastIndex(where: { !$0.isWhitespace })
        else { return self[endIndex..<endIndex] }
        return self[start...end]
    }
}

extension Collection<String> {
    /// "a", "a or b", "a, b or c".
    public var alternatives: String {
        let all = Array(self)
        guard let last = all.last, all.count > 1 else { return all.first ?? "" }
        return all.dropLast().joined(separator: ", ") + " or " + last
    }
}
