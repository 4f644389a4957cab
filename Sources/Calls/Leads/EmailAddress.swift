/// The shape of an e-mail address.
enum EmailAddress {
    /// Whether it may be an address of the internet: `local@domain.tld`, within the limits of RFC 5321 (64 and 254
    /// bytes), without quoting or comments. Letters of any script pass, as RFC 6531 allows.
    static func isPlausible(_ text: String) -> Bool {
        let halves = text.split(separator: "@", omittingEmptySubsequences: false)
        guard halves.count == 2, text.utf8.count <= 254, (1...64).contains(halves[0].utf8.count) else { return false }
        return isDotted(halves[0]) { !$0.isWhitespace && !"\"(),:;<>[\\]".contains($0) && !isControl($0) }
            && halves[1].contains(".")
            && isDotted(halves[1]) { $0.isLetter || $0.isWholeNumber || $0 == "-" || !$0.isASCII && !$0.isWhitespace }
            && !halves[1].split(separator: ".").contains {
                $0.hasPrefix("-") || $0.hasSuffix("-") || $0.utf8.count > 63
            }
    }

    /// Parts between single dots, each of such characters.
    private static func isDotted(_ text: Substring, _ isAllowed: (Character) -> Bool) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part.allSatisfy(isAllowed)
        }
    }

    private static func isControl(_ character: Character) -> Bool {
        character.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
