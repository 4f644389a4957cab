import FoundationEssentials
import HTTP
import Platform

/// Access tokens for a service account (RFC 7523): kept until shortly before they expire, had one at a time however many
/// ask.
actor GoogleAccessTokens {
    private struct Token {
        let value: Secret
        let expiresAt: ContinuousClock.Instant
    }
    static let scope = "https://www.googleapis.com/auth/calendar"

    private let account: GoogleServiceAccount
    /// The user to act as, with domain-wide delegation.
    private let subject: String?
    private let client: HTTPClient
    private let timeout: Duration
    private let now: @Sendable () -> Date
    private var current: Token?
    private var refresh: Task<Token, any Error>?

    init(
        _ account: GoogleServiceAccount, subject: String?, client: HTTPClient, timeout: Duration,
        now: @escaping @Sendable () -> Date = { .now }
    ) {
        self.account = account
        self.subject = subject
        self.client = client
        self.timeout = timeout
        self.now = now
    }

    /// Throws `GoogleCalendarError`: `.unauthenticated`, or `.unavailable` when it may be tried again.
    func token() async throws -> Secret {
        if let current, current.expiresAt > .now { return current.value }
        // A task of its own: that one of those who wait is cancelled must not take it from the others.
        let task = refresh ?? Task { try await request() }
        refresh = task
        let result = await task.result
        if refresh == task {
            refresh = nil
            current = try? result.get()
        }
        return try result.get().value
    }

    /// Google did not accept it: the next one who asks gets another.
    func invalidate(_ token: Secret) {
        if current?.value == token { current = nil }
    }

    private func request() async throws -> Token {
        let form: FormFields = [
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": try assertion(),
        ]
        var request = HTTPClientRequest(.post, account.tokenURI, form: form)
        request.timeout = timeout
        let response: HTTPClientResponse
        do {
            response = try await client.send(request)
        } catch {
            // Whether a token was made that nobody got does not matter.
            throw GoogleCalendarError(.unavailable, "no access token: \(error)")
        }
        return try token(in: response)
    }

    private func token(in response: HTTPClientResponse) throws -> Token {
        let json = try? response.json()
        guard response.status == 200 else {
            let reason = [json?["error"]?.string, json?["error_description"]?.string].compactMap { $0 }
            let text =
                "no access token for \(account.clientEmail): HTTP \(response.status) \(reason.joined(separator: ": "))"
            let isTemporary = response.status == 429 || response.status >= 500
            throw GoogleCalendarError(
                isTemporary ? .unavailable : .unauthenticated, text, retryAfter: response.retryAfter)
        }
        guard let value = json?["access_token"]?.string, let seconds = json?["expires_in"]?.number, seconds > 0 else {
            throw GoogleCalendarError(.invalidAnswer, "the token server's answer has no access_token and expires_in")
        }
        // A minute early, but a token that lives for seconds is used for half of them.
        let lifetime = max(seconds - 60, seconds / 2)
        return Token(value: Secret(value), expiresAt: .now + .seconds(lifetime))
    }

    /// The signed statement that the token is asked for with; Google lets it live for an hour at most.
    private func assertion() throws -> String {
        let issuedAt = Int64(now().timeIntervalSince1970)
        var claims: [String: JSON] = [
            "iss": .string(account.clientEmail), "scope": .string(Self.scope), "aud": .string(account.tokenURI),
            "iat": .integer(issuedAt), "exp": .integer(issuedAt + 3_600),
        ]
        claims["sub"] = subject.map { .string($0) }
        var header: [String: JSON] = ["alg": "RS256", "typ": "JWT"]
        header["kid"] = account.privateKeyID.map { .string($0) }
        let text = "\(Self.base64URL(JSON.object(header).data)).\(Self.base64URL(JSON.object(claims).data))"
        guard let signature = Cryptography.signRS256(text.utf8, privateKeyPEM: account.privateKey.reveal()) else {
            throw GoogleCalendarError(.unauthenticated, "the private key of \(account.clientEmail) cannot sign")
        }
        return "\(text).\(Self.base64URL(Data(signature)))"
    }

    private static func base64URL(_ data: Data) -> String {
        String(
            data.base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }
}
