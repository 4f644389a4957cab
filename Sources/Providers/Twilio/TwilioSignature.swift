import FoundationEssentials
public import HTTP
public import Platform

/// The signature of Twilio's webhooks: base64 of HMAC-SHA1, keyed with the account's auth token, over the full URL and the
/// form's fields sorted by name, each as name and value without anything between them.
///
/// Checked against the validator of Twilio's own package: a repeated pair counts once, values of one name are sorted, and
/// the URL is tried with and without its port, since Twilio is not consistent about it.
public struct TwilioSignature: Sendable {
    public static let header = "X-Twilio-Signature"
    private let authToken: Secret

    public init(authToken: Secret) { self.authToken = authToken }

    /// The signature of a form posted to `url`, as Twilio would write it.
    public func sign(url: String, form: FormFields) -> String { sign(url: url, fields: Self.joined(form)) }

    private func sign(url: String, fields: [UInt8]) -> String {
        Data(Cryptography.hmacSHA1(key: authToken.reveal().utf8, Array(url.utf8) + fields)).base64EncodedString()
    }

    /// Whether `signature` is that of this form at this URL. Takes time that does not depend on where they differ.
    public func isValid(_ signature: String, url: String, form: FormFields) -> Bool {
        let fields = Self.joined(form)
        let matches = [Self.withPort(url), Self.withoutPort(url)].map {
            Cryptography.constantTimeEquals(Array(sign(url: $0, fields: fields).utf8), Array(signature.utf8))
        }
        return matches.contains(true)
    }

    /// Whether `signature` is that of a body that is no form: it signs the URL alone, whose query holds the SHA-256 of
    /// the body as `bodySHA256`.
    public func isValid(_ signature: String, url: String, body: [UInt8]) -> Bool {
        let query = url.split(separator: "?", maxSplits: 1).dropFirst().first.map(String.init) ?? ""
        guard let claimed = FormFields(decoding: query)["bodySHA256"] else { return false }
        let digest = Cryptography.sha256(body).hexadecimal
        return Cryptography.constantTimeEquals(Array(digest.utf8), Array(claimed.lowercased().utf8))
            && isValid(signature, url: url, form: [:])
    }

    /// By bytes, which is the order of code points; never by Swift's ordering of canonically equivalent characters.
    private static func joined(_ form: FormFields) -> [UInt8] {
        var pairs = form.fields.map { (name: Array($0.name.utf8), value: Array($0.value.utf8)) }
        pairs.sort { left, right in
            left.name == right.name
                ? left.value.lexicographicallyPrecedes(right.value) : left.name.lexicographicallyPrecedes(right.name)
        }
        var joined: [UInt8] = []
        for (index, pair) in pairs.enumerated() where index == 0 || pair != pairs[index - 1] {
            joined += pair.name
            joined += pair.value
        }
        return joined
    }
}

extension TwilioSignature {
    private static func withPort(_ url: String) -> String {
        guard let authority = authority(of: url), port(in: url[authority]) == nil else { return url }
        var url = url
        url.insert(contentsOf: url.hasPrefix("https:") ? ":443" : ":80", at: authority.upperBound)
        return url
    }

    private static func withoutPort(_ url: String) -> String {
        guard let authority = authority(of: url), let port = port(in: url[authority]) else { return url }
        var url = url
        url.removeSubrange(port)
        return url
    }

    /// Host and port: what stands between "//" and the next "/", "?" or "#".
    private static func authority(of url: String) -> Range<String.Index>? {
        // By bytes: a request is checked for every webhook.
        guard let scheme = url.utf8.firstIndex(of: UInt8(ascii: ":")), url[scheme...].hasPrefix("://") else {
            return nil
        }
        let start = url.utf8.index(scheme, offsetBy: 3)
        let end = url.utf8[start...].firstIndex {
            $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#")
        }
        return start..<(end ?? url.endIndex)
    }

    /// The colon and the digits after it; the colons of an IPv6 address stand before its bracket.
    private static func port(in authority: Substring) -> Range<String.Index>? {
        let host = authority.utf8.lastIndex(of: UInt8(ascii: "]")) ?? authority.startIndex
        guard let colon = authority.utf8[host...].lastIndex(of: UInt8(ascii: ":")) else { return nil }
        return colon..<authority.endIndex
    }
}
