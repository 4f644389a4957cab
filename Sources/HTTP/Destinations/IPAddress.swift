import Glibc

/// An IPv4 or IPv6 address. An IPv4 address in IPv6 clothes (mapped, or NAT64) is the IPv4 address that it leads to.
struct IPAddress: Sendable, Hashable {
    /// 4 or 16.
    let bytes: [UInt8]

    /// Canonical text, such as `192.0.2.1` or `2001:db8::1`; nil for every other spelling.
    init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            bytes = withUnsafeBytes(of: &v4) { Array($0) }
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            bytes = Self.unwrapped(withUnsafeBytes(of: &v6) { Array($0) })
        } else {
            return nil
        }
    }

    /// The address of a socket; nil when it is of another family.
    init?(_ address: UnsafeRawPointer, family: Int32) {
        switch family {
        case AF_INET:
            let address = address.loadUnaligned(as: sockaddr_in.self).sin_addr
            bytes = withUnsafeBytes(of: address) { Array($0) }
        case AF_INET6:
            let address = address.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            bytes = Self.unwrapped(withUnsafeBytes(of: address) { Array($0) })
        default: return nil
        }
    }

    /// `::ffff:0:0/96` (RFC 4291) and `64:ff9b::/96` (RFC 6052) hold an IPv4 address in their last four bytes.
    private static func unwrapped(_ bytes: [UInt8]) -> [UInt8] {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]
        let prefix = Array(bytes.prefix(12))
        return prefix == mapped || prefix == translated ? Array(bytes.suffix(4)) : bytes
    }

    /// Whether it may be anybody's server on the internet: not private, loopback, link-local, shared (CGNAT), multicast,
    /// reserved, or the metadata service of a cloud (most of those are link-local).
    var isPublic: Bool {
        if bytes.count == 16, bytes[0] & 0xE0 != 0x20 { return false }
        return !Self.special.contains { $0.contains(self) }
    }

    /// IANA's registries of special-purpose addresses (RFC 6890 and its updates). Of IPv6 only 2000::/3 is global unicast, so
    /// that what is special outside of it need not be listed. The last ones are the metadata services of Azure and Oracle.
    private static let special: [AddressBlock] = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "168.63.129.16",
        "192.0.0.192",
    ].compactMap(AddressBlock.init)
}

/// Addresses with the same first bits: `10.1.0.0/16`, or a single address.
struct AddressBlock: Sendable, Hashable {
    let first: IPAddress
    let bits: Int

    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = IPAddress(String(parts[0])) else { return nil }
        let most = first.bytes.count * 8
        let bits = parts.count == 1 ? most : Int(parts[1]) ?? -1
        guard (0...most).contains(bits) else { return nil }
        self.first = first
        self.bits = bits
    }

    func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == first.bytes.count else { return false }
        return zip(address.bytes, first.bytes).enumerated().allSatisfy { index, pair in
            let counted = min(8, max(0, bits - index * 8))
            return counted == 0 || (pair.0 ^ pair.1) >> (8 - counted) == 0
        }
    }
}
