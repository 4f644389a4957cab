import HTTP
import Platform
import Testing

@Suite struct RoundTripTests {
    private let logger = Logger(label: "test", level: .error)

    @Test("A request reaches the handler whole, and its answer comes back whole")
    func roundTrip() async throws {
        let server = try HTTPServer(configuration: .init(), logger: logger) { request in
            .json([
                "method": .string(request.method), "path": .string(request.path), "target": .string(request.target),
                "q": .string(request.query["q"] ?? ""), "x": .string(request.headers["x-one"] ?? ""),
                "body": .string(String(decoding: request.body, as: UTF8.self)),
                "from": .string(request.remoteAddress),
            ])
        }
        let client = HTTPClient(logger: logger)
        var request = HTTPClientRequest(
            .post, "http://127.0.0.1:\(server.port)/a%20b?q=1%2B1", headers: ["X-One": "uno"], form: ["Body": "á b"])
        request.timeout = .seconds(5)
        let response = try await client.send(request)
        #expect(response.status == 200)
        #expect(
            try response.json() == [
                "method": "POST", "path": "/a b", "target": "/a%20b?q=1%2B1", "q": "1+1", "x": "uno",
                "body": "Body=%C3%A1+b", "from": "127.0.0.1",
            ])
        await server.stop()
        await client.shutDown()
    }
}
