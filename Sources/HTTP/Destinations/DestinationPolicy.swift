/// Where a request may go whose URL is not wholly the operator's own: to public addresses, and to the hosts named here.
///
/// It is asked of the address that is connected, so no spelling of a URL and no answer of a name server leads past it.
public struct DestinationPolicy: Sendable, Hashable {
    /// Public addresses alone.
    public static let publicOnly = DestinationPolicy()

    /// `host` or `host:port`, in lower case.
    private var hosts: Set<String> = []
    private var blocks: [AddressBlock] = []

    private init() {}

    /// - Parameter list: host names, with a port or without, addresses and blocks of addresses, separated by commas:
    ///   `crm.internal,billing.internal:8443,10.1.0.0/16`. A named host may have any address. Nil when it is anything else.
    public init?(_ list: String) {
        for entry in list.split(separator: ",").map({ $0.lowercased().filter { !$0.isWhitespace } }) {
            if let block = AddressBlock(entry) {
                blocks.append(block)
            } else if Self.isHost(entry) {
                hosts.insert(entry)
            } else {
                return nil
            }
        }
    }

    private static func isHost(_ entry: String) -> Bool {
        let parts = entry.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return false }
        if parts.count == 2, Int(parts[1]).map({ (1...65_535).contains($0) }) != true { return false }
        // What has only digits would be an address that is not written as one.
        return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-._".contains($0)) }
            && name.contains { $0.isLetter }
    }

    /// Whether the host was named: its address is then not looked at.
    func names(_ url: WebURL) -> Bool { hosts.contains(url.host) || hosts.contains("\(url.host):\(url.port)") }

    func allows(_ address: IPAddress) -> Bool { address.isPublic || blocks.contains { $0.contains(address) } }

    /// Why no request may go to this URL, as far as that can be told without looking its name up; nil when it may.
    public func objection(to url: WebURL) -> String? {
        if url.hasLogin { return "it has a user name in it" }
        if names(url) { return nil }
        if let address = IPAddress(url.host) { return allows(address) ? nil : "its address is not a public one" }
        return url.isPublicName ? nil : "its name is not one of the public internet"
    }
}
