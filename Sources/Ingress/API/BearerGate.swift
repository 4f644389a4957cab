import HTTP
import Platform

/// Lets nothing through but requests with one of the tokens of `API_TOKENS`.
struct BearerGate: Sendable {
    private let tokens: [Secret]

    init(_ tokens: [Secret]) { self.tokens = tokens }

    func check(_ request: HTTPServerRequest) throws(Problem) {
        guard !tokens.isEmpty else { throw .unauthorized("API_TOKENS is not set here: no token is taken") }
        guard let field = request.headers["Authorization"] else { throw .unauthorized("the bearer token is missing") }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw .unauthorized("Authorization is not \"Bearer\" and a token")
        }
        let given = Array(parts[1].utf8)
        // Each is compared, so that the time tells nothing of which it is.
        var isKnown = false
        for token in tokens where Cryptography.constantTimeEquals(Array(token.reveal().utf8), given) { isKnown = true }
        guard isKnown else { throw .unauthorized("the bearer token is none of API_TOKENS") }
    }
}
