import FoundationEssentials
import HTTP
import Platform

@testable import Simulators

/// A simulated Google with a client that can get tokens for it.
struct GoogleBench {
    let simulator: SimulatedGoogle
    let client: HTTPClient
    let baseURL: String

    static func run(
        _ configuration: SimulatedGoogle.Configuration = .init(), faults: FaultPlan = .none,
        _ body: (GoogleBench) async throws -> Void
    ) async throws {
        let simulator = try SimulatedGoogle(configuration: configuration, faults: faults, logger: Simulation.logger)
        let baseURL = try simulator.start()
        try await Simulation.withClient { client in
            try await body(GoogleBench(simulator: simulator, client: client, baseURL: baseURL))
        }
        await simulator.stop()
    }

    /// The claims of a good assertion, to be spoilt by tests.
    func claims() -> [String: JSON] {
        let now = Date.now.timeIntervalSince1970.rounded()
        return [
            "iss": simulator.credentials["client_email"] ?? "", "aud": simulator.credentials["token_uri"] ?? "",
            "scope": "https://www.googleapis.com/auth/calendar", "iat": .number(now), "exp": .number(now + 3_600),
        ]
    }

    func assertion(_ claims: [String: JSON], header: JSON = ["alg": "RS256", "typ": "JWT"]) throws -> String {
        let signed = [header, .object(claims)].map { Self.base64URL(Array($0.data)) }.joined(separator: ".")
        let key = simulator.credentials["private_key"]?.string ?? ""
        guard let signature = Cryptography.signRS256(signed.utf8, privateKeyPEM: key) else { throw NoKey() }
        return "\(signed).\(Self.base64URL(signature))"
    }

    func askToken(
        _ assertion: String, grantType: String = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    ) async throws -> HTTPClientResponse {
        let url = simulator.credentials["token_uri"]?.string ?? ""
        let form: FormFields = ["grant_type": grantType, "assertion": assertion]
        return try await client.send(HTTPClientRequest(.post, url, form: form))
    }

    /// A token of the account itself, or of somebody it acts for.
    func token(for subject: String? = nil, scope: String = "calendar") async throws -> String {
        var claims = claims()
        claims["sub"] = subject.map { .string($0) }
        claims["scope"] = .string("https://www.googleapis.com/auth/\(scope)")
        return try await askToken(assertion(claims)).json()["access_token"]?.string ?? ""
    }

    func send(
        _ method: HTTPClientRequest.Method, _ path: String, token: String, _ body: JSON? = nil,
        headers more: [String: String] = [:]
    ) async throws -> HTTPClientResponse {
        var headers: HTTPHeaders = ["Authorization": "Bearer \(token)"]
        for (name, value) in more { headers[name] = value }
        let url = baseURL + path
        let request =
            body.map { HTTPClientRequest(method, url, headers: headers, json: $0) }
            ?? HTTPClientRequest(method, url, headers: headers)
        return try await client.send(request)
    }

    static func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private struct NoKey: Error {}
}

/// An event that Google takes.
enum SampleEvent {
    static func json(_ more: [String: JSON] = [:]) -> JSON {
        let event: JSON = [
            "id": "meeting00001", "summary": "Sales Meeting",
            "start": ["dateTime": "2026-03-10T10:00:00-06:00", "timeZone": "America/Mexico_City"],
            "end": ["dateTime": "2026-03-10T10:30:00-06:00", "timeZone": "America/Mexico_City"],
            "reminders": [
                "useDefault": false,
                "overrides": [["method": "email", "minutes": 1_440], ["method": "popup", "minutes": 10]],
            ],
        ]
        return event.merging(more)
    }
}
