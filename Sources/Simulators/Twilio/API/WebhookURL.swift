/// URLs of webhooks: which are valid, and what a relative one in TwiML means.
enum WebhookURL {
    /// Scheme and host, 4,000 characters at most, nothing that would have to be encoded.
    static func isAbsolute(_ url: String) -> Bool {
        let isPlain = url.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "<")
        }
        return isPlain && url.utf8.count <= 4_000 && url.wholeMatch(of: /https?:\/\/[^\/?#]+([\/?#].*)?/) != nil
    }

    /// RFC 3986, 5.2, as far as TwiML needs it.
    static func resolve(_ reference: String, against base: String) -> String {
        if reference.isEmpty { return base }
        if isAbsolute(reference) { return reference }
        guard let match = base.wholeMatch(of: /(https?:\/\/[^\/?#]+)([^?#]*)(\?[^#]*)?(#.*)?/)?.output else {
            return reference
        }
        if reference.hasPrefix("/") { return match.1 + reference }
        if reference.hasPrefix("?") { return match.1 + match.2 + reference }
        let folder = match.2.lastIndex(of: "/").map { match.2[...$0] } ?? "/"
        return match.1 + folder + reference
    }
}

/// How a webhook is tried again; a URL's fragment may say so: "#rc=3&rp=ct,rt,5xx&rt=5000".
///
/// https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
struct WebhookPolicy: Sendable, Hashable {
    var retries: Int
    var readTimeout: Duration
    /// ct: no connection; rt: no answer in time; 4xx, 5xx: such an answer.
    var reasons: Set<String> = ["ct", "rt"]

    /// The URL to ask, and the policy that it asks for.
    static func read(_ url: String, default policy: WebhookPolicy) -> (url: String, policy: WebhookPolicy) {
        let parts = url.split(separator: "#", maxSplits: 1)
        guard parts.count == 2 else { return (url, policy) }
        var policy = policy
        for field in parts[1].split(separator: "&") {
            let pair = field.split(separator: "=", maxSplits: 1).map(String.init)
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "rc": policy.retries = min(5, Int(pair[1]) ?? policy.retries)
            case "rt": policy.readTimeout = Int(pair[1]).map { .milliseconds($0) } ?? policy.readTimeout
            case "rp":
                let reasons = pair[1].split(separator: ",").map(String.init)
                policy.reasons = reasons.contains("all") ? ["ct", "rt", "4xx", "5xx"] : Set(reasons)
            default: break
            }
        }
        return (String(parts[0]), policy)
    }
}
