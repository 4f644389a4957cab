import FoundationEssentials
import HTTP
import Platform

/// What an access token stands for.
struct TokenGrant: Sendable {
    var scopes: Set<String>
    /// Whom the service account acts for; nil when for itself.
    var subject: String?
    var expires: Date

    private static let prefix = "https://www.googleapis.com/auth/"
    /// Scopes of the Calendar API by what they allow; https://developers.google.com/workspace/calendar/api/auth.
    private static let writing: Set<String> = ["calendar", "calendar.events", "calendar.events.owned"]
    private static let reading: Set<String> = ["calendar.readonly", "calendar.events.readonly"]
    private static let freeBusy: Set<String> = [
        "calendar", "calendar.readonly", "calendar.freebusy", "calendar.events.freebusy",
    ]

    static let known = writing.union(reading).union(freeBusy)

    var mayWrite: Bool { allows(Self.writing) }
    var mayRead: Bool { allows(Self.writing.union(Self.reading)) }
    var mayAskFreeBusy: Bool { allows(Self.freeBusy) }

    private func allows(_ names: Set<String>) -> Bool { !scopes.isDisjoint(with: names.map { Self.prefix + $0 }) }
}

/// Reads the form of the token endpoint: the JWT bearer grant of RFC 7523 with RS256, as Google wants it
/// (https://developers.google.com/identity/protocols/oauth2/service-account#httprest).
struct TokenRequest {
    static let grantType = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    let publicKeyPEM: String
    /// This token endpoint. Google's own libraries name the public one wherever they ask, so that is right as well.
    let audience: String
    private static let publicAudience = "https://oauth2.googleapis.com/token"
    let delegatedSubjects: Set<String>?
    let now: Date

    func grant(for request: HTTPServerRequest) throws(TokenError) -> TokenGrant {
        guard request.headers["Content-Type"]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true
        else { throw TokenError("invalid_request", "Invalid content type: a form is expected.") }
        let form = request.form
        guard let type = form["grant_type"] else {
            throw TokenError("invalid_request", "Required parameter is missing: grant_type")
        }
        guard type == Self.grantType else {
            throw TokenError("unsupported_grant_type", "Invalid grant_type: \(type)")
        }
        guard let assertion = form["assertion"] else {
            throw TokenError("invalid_request", "Required parameter is missing: assertion")
        }
        return try grant(assertion: assertion)
    }

    private func grant(assertion: String) throws(TokenError) -> TokenGrant {
        let parts = assertion.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let header = Self.json(parts[0]), let claims = Self.json(parts[1]),
            let signature = Self.bytes(parts[2])
        else { throw TokenError("invalid_grant", "Invalid JWT: Failed to parse.") }
        guard header["alg"] == "RS256" else {
            throw TokenError("invalid_grant", "Invalid JWT: the algorithm must be RS256.")
        }
        guard claims["iss"]?.string == ServiceAccount.email else {
            throw TokenError("invalid_grant", "Invalid grant: account not found")
        }
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        guard Cryptography.verifyRS256(signed, signature: signature, publicKeyPEM: publicKeyPEM) else {
            throw TokenError("invalid_grant", "Invalid JWT Signature.")
        }
        try checkTimes(claims)
        guard [audience, Self.publicAudience].contains(claims["aud"]?.string) else {
            throw TokenError(
                "invalid_grant", "Invalid JWT: Failed audience check. The right audience is \(audience)")
        }
        return TokenGrant(
            scopes: try scopes(claims), subject: try subject(claims), expires: now.addingTimeInterval(3_599))
    }

    private func checkTimes(_ claims: JSON) throws(TokenError) {
        let now = now.timeIntervalSince1970
        // Clocks may differ by five minutes.
        guard let issued = claims["iat"]?.number, let expires = claims["exp"]?.number, issued <= now + 300,
            expires > now - 300, expires > issued, expires - issued <= 3_600
        else {
            throw TokenError(
                "invalid_grant",
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
                    + "iat and exp values in the JWT claim.")
        }
    }

    private func scopes(_ claims: JSON) throws(TokenError) -> Set<String> {
        let scopes = (claims["scope"]?.string ?? "").split(separator: " ").map(String.init)
        let areKnown = scopes.allSatisfy { scope in
            TokenGrant.known.contains { scope == "https://www.googleapis.com/auth/\($0)" }
        }
        guard !scopes.isEmpty, areKnown else {
            throw TokenError("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        }
        return Set(scopes)
    }

    private func subject(_ claims: JSON) throws(TokenError) -> String? {
        guard let subject = claims["sub"]?.string, subject != ServiceAccount.email else { return nil }
        guard delegatedSubjects?.contains(subject) ?? true else {
            throw TokenError(
                "unauthorized_client",
                "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any "
                    + "of the scopes requested.", status: 401)
        }
        return subject
    }

    private static func json(_ part: String) -> JSON? { bytes(part).flatMap { try? JSON(parsing: $0) } }

    /// Base64 with the URL alphabet and no padding: RFC 7515.
    private static func bytes(_ part: String) -> [UInt8]? {
        guard !part.isEmpty, !part.contains("=") else { return nil }
        let padded =
            part.replacing("-", with: "+").replacing("_", with: "/")
            + String(repeating: "=", count: (4 - part.utf8.count % 4) % 4)
        return Data(base64Encoded: padded).map { [UInt8]($0) }
    }
}
