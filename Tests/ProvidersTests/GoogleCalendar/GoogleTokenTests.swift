import FoundationEssentials
import HTTP
import Platform
import Testing

@testable import Providers

@Suite struct GoogleTokenTests {
    private let stored = HTTPServerResponse.json(["id": "op7k3meeting17", "status": "confirmed"])

    @Test("Many who ask at once share one token, and so do those who ask later")
    func singleFlight() async throws {
        try await withGoogle([stored]) { google in
            let client = try google.client()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await client.event("op7k3meeting17") } }
                try await group.waitForAll()
            }
            _ = try await client.event("op7k3meeting17")
            #expect(google.tokenRequests.count == 1)
            #expect(google.requests.allSatisfy { $0.headers["Authorization"] == "Bearer token 1" })
        }
    }

    @Test("The token is asked for in the name of the account, for the user to act as")
    func assertion() async throws {
        try await withGoogle([stored]) { google in
            _ = try await google.client(subject: "boss@example.com").event("op7k3meeting17")
            let request = try #require(google.tokenRequests.first)
            #expect(request.form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer")
            let parts = (request.form["assertion"] ?? "").split(separator: ".")
            #expect(parts.count == 3)
            let claims = try JSON(parsing: try #require(Self.decode(parts[1])))
            let credentials = try ScriptedGoogle.credentials.get()
            #expect(claims["iss"] == credentials["client_email"])
            #expect(claims["sub"] == "boss@example.com")
            #expect(claims["scope"] == "https://www.googleapis.com/auth/calendar")
            #expect(claims["aud"]?.string?.hasSuffix("/token") == true)
            #expect(claims["exp"]?.integer == claims["iat"]?.integer.map { $0 + 3_600 })
            #expect(try JSON(parsing: try #require(Self.decode(parts[0])))["alg"] == "RS256")
        }
    }

    @Test("A token that Google no longer accepts is replaced")
    func replaced() async throws {
        try await withGoogle([.google(401, "authError"), stored]) { google in
            _ = try await google.client().event("op7k3meeting17")
            #expect(google.requests.map { $0.headers["Authorization"] } == ["Bearer token 1", "Bearer token 2"])
        }
    }

    @Test("A second refusal of the credentials is the caller's to know")
    func refusedTwice() async throws {
        try await withGoogle([.google(401, "authError")]) { google in
            let client = try google.client()
            let failure = await #expect(throws: GoogleCalendarError.self) { try await client.event("op7k3meeting17") }
            #expect(failure?.code == .unauthenticated)
            #expect(google.requests.count == 2)
        }
    }

    @Test("A token that has expired is not used")
    func expired() async throws {
        let token = HTTPServerResponse.json(["access_token": "short", "expires_in": 0.000_001])
        try await withGoogle([stored], tokenAnswers: [token]) { google in
            let client = try google.client()
            _ = try await client.event("op7k3meeting17")
            _ = try await client.event("op7k3meeting17")
            #expect(google.tokenRequests.count == 2)
        }
    }

    @Test("Credentials that Google does not know are an error at once; a token server that is down is tried again")
    func tokenErrors() async throws {
        let refusal = HTTPServerResponse.json(
            ["error": "invalid_grant", "error_description": "unknown account"], status: 400)
        try await withGoogle([stored], tokenAnswers: [refusal]) { google in
            let client = try google.client()
            let failure = await #expect(throws: GoogleCalendarError.self) { try await client.event("op7k3meeting17") }
            #expect(failure?.code == .unauthenticated)
            #expect(failure?.description.contains("invalid_grant: unknown account") == true)
            #expect(google.tokenRequests.count == 1)
        }
        let token = HTTPServerResponse.json(["access_token": "late", "expires_in": 3_600])
        try await withGoogle([stored], tokenAnswers: [HTTPServerResponse(status: 503), token]) { google in
            _ = try await google.client().event("op7k3meeting17")
            #expect(google.tokenRequests.count == 2)
            #expect(google.waits.count == 1)
        }
    }

    @Test("A credentials file that is of no use is named, with what is wrong in it")
    func credentials() throws {
        #expect(throws: GoogleCredentialsError.self) {
            try GoogleServiceAccount(contentsOf: "/nowhere/credentials.json")
        }
        var good = try ScriptedGoogle.credentials.get().object ?? [:]
        good["token_uri"] = nil
        #expect(throws: Never.self) { try GoogleServiceAccount(parsing: JSON.object(good).data, file: "c.json") }
        let faults: [(String, JSON?, String)] = [
            ("type", "authorized_user", "\"type\": \"service_account\""), ("client_email", nil, "\"client_email\""),
            ("private_key", nil, "\"private_key\""),
            ("private_key", "-----BEGIN PRIVATE KEY-----\nx", "\"private_key\""),
            ("client_email", "", "\"client_email\""), ("token_uri", "ftp://x", "\"token_uri\""),
        ]
        for (field, value, words) in faults {
            var members = good
            members[field] = value
            let failure = #expect(throws: GoogleCredentialsError.self) {
                try GoogleServiceAccount(parsing: JSON.object(members).data, file: "c.json")
            }
            #expect(failure?.description.contains(words) == true)
            #expect(failure?.description.hasPrefix("Google credentials file c.json ") == true)
        }
        #expect(throws: GoogleCredentialsError.self) {
            try GoogleServiceAccount(parsing: Array("no".utf8), file: "c.json")
        }
    }

    private static func decode(_ text: Substring) -> Data? {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        return Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.count % 4) % 4))
    }
}
