import HTTP
import Testing

@Suite struct DestinationPolicyTests {
    private let client = HTTPClient(logger: quiet)

    private func request(_ url: String, _ policy: DestinationPolicy? = .publicOnly) -> HTTPClientRequest {
        var request = HTTPClientRequest(.get, url)
        request.destinations = policy
        return request
    }

    @Test(
        "A request that may go to public addresses alone is not so much as connected elsewhere, however it is spelled",
        arguments: [
            "127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0",
            "LOCALHOST", "１２７.0.0.1",
        ])
    func refusesToConnect(_ host: String) async throws {
        let reached = Tally()
        try await withServer { _ in
            reached.add()
            return HTTPServerResponse()
        } _: { server in
            let failure = await error { try await client.send(request("http://\(host):\(server.port)/secret?key=1")) }
            #expect(failure?.code == .badURL)
            #expect(failure?.requestWasSent == false)
            #expect(failure?.description.contains("key=1") == false)
            #expect(reached.count == 0)
        }
    }

    @Test("A connection that was made for another request is no way around the check")
    func checksKeptConnections() async throws {
        let reached = Tally()
        try await withServer { _ in
            reached.add()
            return HTTPServerResponse()
        } _: { server in
            _ = try await client.send(request(server.url(), nil))
            let failure = await error { try await client.send(request(server.url())) }
            #expect(failure?.code == .badURL)
            #expect(reached.count == 1)
        }
    }

    @Test(
        "A host of one's own is reached when it is named, by name or by address",
        arguments: ["localhost", "127.0.0.0/8"])
    func reachesNamedHosts(_ entry: String) async throws {
        let policy = try #require(DestinationPolicy(entry))
        try await withServer { _ in
            HTTPServerResponse(status: 204)
        } _: { server in
            let host = entry == "localhost" ? entry : "127.0.0.1"
            let response = try await client.send(request("http://\(host):\(server.port)/", policy))
            #expect(response.status == 204)
        }
    }

    @Test("Nothing but http and https is spoken")
    func refusesOtherSchemes() async {
        for url in ["file:///etc/passwd", "gopher://127.0.0.1/"] {
            #expect(await error { try await client.send(request(url)) }?.code == .badURL)
        }
    }
}
