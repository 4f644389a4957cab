import CLibCurl

/// An http or https URL as libcurl reads it. Who checks a URL must read it as the one who connects: parsers that disagree
/// about where the host stands are how such checks are led astray.
public struct WebURL: Sendable, Hashable {
    /// Normalized: with a scheme and a path, odd spellings of an IPv4 address as the address.
    public let text: String
    public let scheme: String
    /// In lower case; an IPv6 address without brackets.
    public let host: String
    public let port: Int
    /// With a leading slash.
    public let path: String
    let hasLogin: Bool

    /// Nil when `text` is no such URL. Control characters, spaces and backslashes are never taken: browsers read them in ways
    /// of their own.
    public init?(_ text: String) { self.init(text, relativeTo: nil) }

    /// What was said or typed by a person: spaces around it are dropped, and without a scheme it is https.
    public init?(typed text: String) {
        let text = String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        if text.hasPrefix("//") {
            self.init("https:" + text)
        } else {
            self.init(Self.namesScheme(text) ? text : "https://" + text)
        }
    }

    /// What a `Location` header leads to from here.
    public func resolving(_ reference: String) -> WebURL? { WebURL(reference, relativeTo: self) }

    private init?(_ text: String, relativeTo base: WebURL?) {
        guard text.utf8.count <= 8_000, text.unicodeScalars.allSatisfy(Self.isPlain), let parser = curl_url() else {
            return nil
        }
        defer { curl_url_cleanup(parser) }
        if let base, curl_url_set(parser, CURLUPART_URL, base.text, 0) != CURLUE_OK { return nil }
        guard curl_url_set(parser, CURLUPART_URL, text, 0) == CURLUE_OK,
            let scheme = Self.part(CURLUPART_SCHEME, parser)?.lowercased(), ["http", "https"].contains(scheme),
            let host = Self.part(CURLUPART_HOST, parser)?.lowercased(), Self.isHost(host),
            let port = Self.part(CURLUPART_PORT, parser, UInt32(CURLU_DEFAULT_PORT)).flatMap({ Int($0) }),
            let whole = Self.part(CURLUPART_URL, parser)
        else { return nil }
        self.text = whole
        self.scheme = scheme
        self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        self.port = port
        path = Self.part(CURLUPART_PATH, parser) ?? "/"
        hasLogin = Self.part(CURLUPART_USER, parser) != nil || Self.part(CURLUPART_PASSWORD, parser) != nil
    }

    private static func part(_ part: CURLUPart, _ parser: OpaquePointer, _ flags: UInt32 = 0) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(parser, part, &text, flags) == CURLUE_OK, let text else { return nil }
        defer { curl_free(text) }
        return String(cString: text)
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator, .surrogate: false
        default: scalar != "\\"
        }
    }

    /// Beyond ASCII the letters of the languages that are spoken here. Others have look-alikes that a browser reads as ASCII:
    /// "１２７.0.0.1" is 127.0.0.1 to it.
    private static func isHost(_ host: String) -> Bool {
        !host.isEmpty
            && host.unicodeScalars.allSatisfy { $0.isASCII || ("à"..."ÿ").contains($0) && $0 != "÷" }
    }

    /// `mailto:a@b`, but not `example.com:8080/path`: a port is digits up to the path.
    private static func namesScheme(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex,
            text[..<colon].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
        else { return false }
        let rest = text[text.index(after: colon)...]
        let port = rest.prefix { !"/?#".contains($0) }
        return rest.hasPrefix("//") || port.isEmpty || !port.allSatisfy(\.isNumber)
    }

    /// Whether the host's name can belong to the public internet: not a bare word, nor below a name that only means something
    /// on one's own network (RFC 6761, RFC 8375, and what is in use without one).
    var isPublicName: Bool {
        let labels = (host.hasSuffix(".") ? host.dropLast() : host[...]).split(
            separator: ".", omittingEmptySubsequences: false)
        // What ends in a number is an address to a browser, however it is written.
        guard labels.count > 1, !labels.contains(""), let last = labels.last, last.first?.isLetter == true else {
            return false
        }
        return !Self.localNames.contains(String(last)) && labels.suffix(2) != ["home", "arpa"]
    }

    private static let localNames: Set = [
        "localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "private", "test", "onion",
    ]
}
