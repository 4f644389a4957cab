import HTTP
import Platform
import Testing

/// What becomes of a request whose connection ends before the answer is whole.
@Suite struct ConnectionLossTests {
    private let client = HTTPClient(logger: quiet)
    private let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test("A connection that ends before the answer, or within it, may have processed the request", arguments: [0, 5])
    func dropped(afterBytes count: Int) async throws {
        try await withServer { _ in
            .drop(sent: [UInt8](repeating: 1, count: count))
        } _: { server in
            let failure = await error { try await client.send(HTTPClientRequest(.post, server.url(), body: [1])) }
            #expect(failure?.code == .connectionLost)
            #expect(failure?.requestWasSent == true)
        }
    }

    @Test("Requests after each other use one connection")
    func keepAlive() async throws {
        let server = try RawServer()
        async let first = client.get("http://127.0.0.1:\(server.port)/1")
        let connection = try await server.accept()
        #expect(try await connection.readMessage().hasPrefix("GET /1 "))
        try await connection.write(answer)
        #expect(try await first.text == "ok")
        async let second = client.get("http://127.0.0.1:\(server.port)/2")
        #expect(try await connection.readMessage().hasPrefix("GET /2 "))
        try await connection.write(answer)
        #expect(try await second.text == "ok")
    }

    @Test("A POST whose kept-alive connection ends without an answer is not sent again")
    func postIsNotRepeated() async throws {
        let server = try RawServer()
        let (port, client) = (server.port, client)
        async let first = client.get("http://127.0.0.1:\(port)/")
        let connection = try await server.accept()
        _ = try await connection.readMessage()
        try await connection.write(answer)
        _ = try await first
        async let failure = error {
            try await client.send(HTTPClientRequest(.post, "http://127.0.0.1:\(port)/", body: [65]))
        }
        #expect(try await connection.readMessage().hasSuffix("\r\n\r\nA"))
        connection.close()
        #expect(await failure?.code == .connectionLost)
        #expect(await failure?.requestWasSent == true)
    }

    @Test("A GET whose kept-alive connection ends without an answer is sent again on a new one")
    func getIsRepeated() async throws {
        let server = try RawServer()
        async let first = client.get("http://127.0.0.1:\(server.port)/1")
        let connection = try await server.accept()
        _ = try await connection.readMessage()
        try await connection.write(answer)
        _ = try await first
        async let second = client.get("http://127.0.0.1:\(server.port)/2")
        _ = try await connection.readMessage()
        connection.close()
        let other = try await server.accept()
        #expect(try await other.readMessage().hasPrefix("GET /2 "))
        try await other.write(answer)
        #expect(try await second.text == "ok")
    }

    @Test("A POST finds out that its kept-alive connection was closed meanwhile, and takes a new one")
    func closedWhileIdle() async throws {
        let server = try RawServer()
        let (port, client) = (server.port, client)
        async let first = client.get("http://127.0.0.1:\(port)/")
        let connection = try await server.accept()
        _ = try await connection.readMessage()
        try await connection.write(answer)
        _ = try await first
        connection.close()
        async let second = client.send(HTTPClientRequest(.post, "http://127.0.0.1:\(port)/", body: [65]))
        let other = try await server.accept()
        #expect(try await other.readMessage().hasSuffix("\r\n\r\nA"))
        try await other.write(answer)
        #expect(try await second.text == "ok")
    }

    @Test("A streamed answer that breaks off is lost, not short")
    func brokenStream() async throws {
        try await withServer { _ in
            let (stream, continuation, _) = channel()
            continuation.yield(Array("half".utf8))
            continuation.finish(throwing: RawSocketError(0))
            return HTTPServerResponse(stream: stream)
        } _: { server in
            let late = await error { try await client.get(server.url()) }
            #expect(late?.code == .connectionLost)
        }
    }
}
