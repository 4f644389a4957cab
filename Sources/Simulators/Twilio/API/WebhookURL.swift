/// URLs of webhooks: which are valid, and what a relative one in TwiML means.
enum WebhookURL {
    /// Scheme and host, 4,000 characters at most, nothing that would have to be encoded.
    static func isAbsolute(_ url: String) -> Bool {
        let isPlain = url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !forbidden.contains($0) }
        return isPlain && url.utf8.count <= 4_000 && !(origin(of: url)?.host.isEmpty ?? true)
    }

    /// RFC 3986, 5.2, as far as TwiML needs it.
    static func resolve(_ reference: String, against base: String) -> String {
        if reference.isEmpty { return base }
        if isAbsolute(reference) { return reference }
        guard let origin = origin(of: base) else { return reference }
        if reference.hasPrefix("/") { return origin.text + reference }
        let path = base.dropFirst(origin.text.count).prefix { $0 != "?" && $0 != "#" }
        if reference.hasPrefix("?") { return origin.text + path + reference }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
        return origin.text + folder + reference
    }

    private static let forbidden = Set("\"<>\\^`{|}".utf8)

    /// "https://a.example:8443" and its host; nil when the URL begins otherwise.
    private static func origin(of url: String) -> (text: Substring, host: Substring)? {
        guard let scheme = ["http://", "https://"].first(where: url.hasPrefix) else { return nil }
        let host = url.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        return (url.prefix(scheme.count + host.count), host)
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
