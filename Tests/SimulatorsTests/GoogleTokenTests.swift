import FoundationEssentials
import HTTP
import Platform
import Testing

@testable import Simulators

@Suite struct GoogleTokenTests {
    @Test("A good assertion gets a token that opens the calendar, until the token is another one")
    func good() async throws {
        try await GoogleBench.run { bench in
            let response = try await bench.askToken(bench.assertion(bench.claims()))
            let token = try response.json()["access_token"]?.string ?? ""
            #expect(response.status == 200)
            #expect(try response.json()["token_type"] == "Bearer")
            #expect(try await bench.send(.get, "/calendars/primary/events", token: token).status == 200)
            let refused = try await bench.send(.get, "/calendars/primary/events", token: token + "x")
            #expect(refused.status == 401)
            #expect(try refused.json()["error"]?["errors"]?[0]?["reason"] == "authError")
            #expect(bench.simulator.tokensIssued == 1)
        }
    }

    struct Spoilt: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var error: String
        var spoil: @Sendable (inout [String: JSON]) -> Void
    }

    static let spoilt: [Spoilt] = [
        Spoilt(testDescription: "another issuer", error: "invalid_grant") { $0["iss"] = "x@example.com" },
        Spoilt(testDescription: "another audience", error: "invalid_grant") { $0["aud"] = "https://example.com/token" },
        Spoilt(testDescription: "no audience", error: "invalid_grant") { $0["aud"] = nil },
        Spoilt(testDescription: "expired", error: "invalid_grant") {
            let now = Date.now.timeIntervalSince1970
            $0["iat"] = .number(now - 7_200)
            $0["exp"] = .number(now - 3_600)
        },
        Spoilt(testDescription: "from the future", error: "invalid_grant") {
            let now = Date.now.timeIntervalSince1970
            $0["iat"] = .number(now + 3_600)
            $0["exp"] = .number(now + 7_200)
        },
        Spoilt(testDescription: "two hours long", error: "invalid_grant") {
            $0["exp"] = .number(Date.now.timeIntervalSince1970 + 7_200)
        },
        Spoilt(testDescription: "no expiry", error: "invalid_grant") { $0["exp"] = nil },
        Spoilt(testDescription: "no scope", error: "invalid_scope") { $0["scope"] = nil },
        Spoilt(testDescription: "unknown scope", error: "invalid_scope") {
            $0["scope"] = "https://www.googleapis.com/auth/everything"
        },
        Spoilt(testDescription: "somebody it may not act for", error: "unauthorized_client") {
            $0["sub"] = "boss@example.com"
        },
    ]

    @Test("An assertion that Google would refuse is refused with Google's error", arguments: spoilt)
    func refused(_ spoilt: Spoilt) async throws {
        var configuration = SimulatedGoogle.Configuration()
        configuration.delegatedSubjects = ["sales@example.com"]
        try await GoogleBench.run(configuration) { bench in
            var claims = bench.claims()
            spoilt.spoil(&claims)
            let response = try await bench.askToken(bench.assertion(claims))
            #expect(response.status == (spoilt.error == "unauthorized_client" ? 401 : 400))
            #expect(try response.json()["error"]?.string == spoilt.error)
        }
    }

    @Test("A forged signature, another algorithm, another grant and no form are refused")
    func forged() async throws {
        try await GoogleBench.run { bench in
            let good = try bench.assertion(bench.claims())
            let parts = good.split(separator: ".").map(String.init)
            var other = bench.claims()
            other["sub"] = "boss@example.com"
            let forged = "\(parts[0]).\(GoogleBench.base64URL(Array(JSON.object(other).data))).\(parts[2])"
            #expect(
                try await bench.askToken(forged).json()["error_description"] == "Invalid JWT Signature.")
            let unsigned = try bench.assertion(bench.claims(), header: ["alg": "none"])
            #expect(try await bench.askToken(unsigned).json()["error"] == "invalid_grant")
            #expect(
                try await bench.askToken(good, grantType: "password").json()["error"] == "unsupported_grant_type")
            let url = bench.simulator.credentials["token_uri"]?.string ?? ""
            let asJSON = HTTPClientRequest(.post, url, json: ["assertion": .string(good)])
            #expect(try await bench.client.send(asJSON).json()["error"] == "invalid_request")
        }
    }

    @Test("A token opens only what its scope allows")
    func scopes() async throws {
        try await GoogleBench.run { bench in
            let reading = try await bench.token(scope: "calendar.readonly")
            let refused = try await bench.send(
                .post, "/calendars/primary/events", token: reading, SampleEvent.json())
            #expect(refused.status == 403)
            #expect(try refused.json()["error"]?["errors"]?[0]?["reason"] == "insufficientPermissions")
            #expect(try await bench.send(.get, "/calendars/primary/events", token: reading).status == 200)
        }
    }
}
