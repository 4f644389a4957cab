import FoundationEssentials

/// One mailbox: an address and the name shown with it.
public struct MailAddress: Sendable, Hashable {
    public let address: String
    public let name: String?

    /// Throws `MailMessageError` for what is not `local@domain` in ASCII, or a name with control characters.
    public init(_ address: String, name: String? = nil) throws(MailMessageError) {
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, Self.isDomain(parts[1]), parts[0].utf8.allSatisfy(Self.isLocal),
            address.utf8.count <= 254
        else { throw MailMessageError(field: "address", problem: "is not an e-mail address") }
        if let name { try MailHeader.check(name, field: "name") }
        self.address = address
        self.name = name?.isEmpty == true ? nil : name
    }

    var headerValue: String {
        guard let name else { return address }
        return "\(MailHeader.phrase(name)) <\(address)>"
    }

    /// RFC 5321's dot-string; quoted local parts are not worth the trouble they make.
    private static func isLocal(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && !"()<>[]:;@\\,\"".utf8.contains(byte)
    }

    private static func isDomain(_ domain: Substring) -> Bool {
        let labels = domain.split(separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            !label.isEmpty && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { byte in
                    byte == UInt8(ascii: "-") || (48...57).contains(byte) || (65...90).contains(byte & 0xDF)
                }
        }
    }
}

/// A message that cannot be written, because a part of it has no place in a header.
public struct MailMessageError: Error, Sendable, CustomStringConvertible {
    public let field: String
    public let problem: String
    public var description: String { "mail: the \(field) \(problem)" }
}
