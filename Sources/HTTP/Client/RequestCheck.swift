extension HTTPClientRequest {
    /// The request's name in errors, or `.badURL` when it cannot be sent as it is.
    func checkedLabel() throws(HTTPError) -> String {
        let address = String(url.prefix { $0 != "?" && $0 != "#" })
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), let schemeEnd = address.firstRange(of: "://"),
            ["http", "https"].contains(address[..<schemeEnd.lowerBound].lowercased())
        else {
            let rule = "the URL must begin with http:// or https:// and have no spaces or line breaks"
            throw HTTPError(.badURL, "\(method.rawValue): \(rule)", requestWasSent: false)
        }
        let label = "\(method.rawValue) \(Self.withoutUser(address, after: schemeEnd.upperBound))"
        if let name = headers.firstInvalidName {
            let field = HTTPHeaders.isToken(name) ? "value of the header \(name)" : "name of a header"
            throw HTTPError(
                .badURL, "\(label): the \(field) has characters that may not be sent", requestWasSent: false)
        }
        return label
    }

    /// What the addresses are to be checked with as they are connected; nil when none has to be.
    func guardingPolicy(_ label: String) throws(HTTPError) -> DestinationPolicy? {
        guard let destinations else { return nil }
        guard let url = WebURL(url) else {
            throw HTTPError(.badURL, "\(label): this is not a web address", requestWasSent: false)
        }
        return destinations.names(url) ? nil : destinations
    }

    /// Scheme, host and port of a checked URL, with the user if there is one.
    var origin: String {
        let start = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        return String(url[..<(url[start...].firstIndex { "/?#".contains($0) } ?? url.endIndex)]).lowercased()
    }

    /// `https://user:password@host/` must not be told to anyone.
    private static func withoutUser(_ address: String, after start: String.Index) -> String {
        let authorityEnd = address[start...].firstIndex(of: "/") ?? address.endIndex
        guard let at = address[start..<authorityEnd].lastIndex(of: "@") else { return address }
        return String(address[..<start] + address[address.index(after: at)...])
    }
}
