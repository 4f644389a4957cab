import HTTP
import Platform
import Testing

@Suite struct ServerTests {
    private let client = HTTPClient(logger: quiet)

    @Test("A body over the limit gets 413, whether its length is declared or not, and the connection goes on")
    func bodyLimit() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.maximumBodyBytes = 1_000
        try await withServer(configuration) {
            .text("\($0.body.count)")
        } _: { server in
            for (count, status) in [(1_000, 200), (1_001, 413), (200_000, 413)] {
                let body = [UInt8](repeating: 1, count: count)
                let declared = try await client.send(HTTPClientRequest(.post, server.url(), body: body))
                #expect(declared.status == status)
            }
            let connection = try await RawSocket.connect(to: server.port)
            for (size, status) in [(1_000, "200"), (1_001, "413"), (10, "200")] {
                let chunk = String(repeating: "x", count: size)
                try await connection.write(
                    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "\(String(size, radix: 16))\r\n\(chunk)\r\n0\r\n\r\n")
                let answer = try await connection.readMessage()
                #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            }
        }
    }

    @Test("A body that is declared far over the limit is refused before it is sent")
    func declaredFarTooLarge() async throws {
        try await withServer { _ in
            HTTPServerResponse()
        } _: { server in
            let connection = try await RawSocket.connect(to: server.port)
            try await connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n")
            let answer = try await connection.read()
            #expect(answer.hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("A body without end is cut off")
    func endlessBody() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.maximumBodyBytes = 100
        try await withServer(configuration) { _ in
            HTTPServerResponse()
        } _: { server in
            let connection = try await RawSocket.connect(to: server.port)
            try await connection.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n"
            await #expect(throws: RawSocketError.self) {
                while true { try await connection.write(chunk) }
            }
        }
    }

    @Test("Headers over the limit are refused")
    func headerLimit() async throws {
        try await withServer { _ in
            HTTPServerResponse()
        } _: { server in
            let request = HTTPClientRequest(
                .get, server.url(), headers: ["X-Long": String(repeating: "x", count: 40_000)])
            let response = try await client.send(request)
            #expect(response.status == 431)
        }
    }

    @Test("A handler that takes too long is cancelled, and its request answered for")
    func deadline() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.requestDeadline = .milliseconds(100)
        let cancelled = Signal()
        try await withServer(configuration) {
            .text("late: \($0.path)", status: 504)
        } handler: { _ in
            await Signal().wait()
            cancelled.send()
            return HTTPServerResponse()
        } _: { server in
            let response = try await client.get(server.url("/slow"))
            #expect(response.status == 504)
            #expect(response.text == "late: /slow")
            await cancelled.wait()
        }
    }

    @Test("A request that does not come whole in time is dropped")
    func slowBody() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.requestDeadline = .milliseconds(100)
        try await withServer(configuration) { _ in
            HTTPServerResponse()
        } _: { server in
            let connection = try await RawSocket.connect(to: server.port)
            try await connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfive.")
            let answer = try await connection.read()
            #expect(answer.isEmpty)
        }
    }

    @Test("A connection on which no request ever comes is closed")
    func silentConnection() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.requestDeadline = .milliseconds(50)
        configuration.idleTimeout = .milliseconds(50)
        try await withServer(configuration) { _ in
            HTTPServerResponse()
        } _: { server in
            let connection = try await RawSocket.connect(to: server.port)
            try await connection.write("GE")
            let answer = try await connection.read()
            #expect(answer.isEmpty)
        }
    }

    @Test("Requests above the limit get 503 with Retry-After")
    func concurrencyLimit() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.maximumConcurrentRequests = 1
        let (started, mayEnd) = (Signal(), Signal())
        try await withServer(configuration) { _ in
            started.send()
            await mayEnd.wait()
            return HTTPServerResponse()
        } _: { server in
            async let first = client.get(server.url())
            await started.wait()
            let refused = try await client.get(server.url())
            #expect(refused.status == 503)
            #expect(refused.retryAfter == .seconds(1))
            mayEnd.send()
            let status = try await first.status
            #expect(status == 200)
        }
    }

    @Test("Connections above the limit wait until one is closed")
    func connectionLimit() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.maximumConnections = 1
        try await withServer(configuration) {
            .text($0.path)
        } _: { server in
            let first = try await RawSocket.connect(to: server.port)
            try await first.write("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try await first.readMessage()
            let second = try await RawSocket.connect(to: server.port)
            try await second.write("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
            // The first one is still served, though the second asked before.
            try await first.write("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
            let third = try await first.readMessage()
            #expect(third.hasSuffix("/3"))
            first.close()
            let answer = try await second.readMessage()
            #expect(answer.hasSuffix("/2"))
        }
    }

    @Test("Requests that come together on one connection are answered in order")
    func pipelining() async throws {
        try await withServer {
            .text($0.path)
        } _: { server in
            let connection = try await RawSocket.connect(to: server.port)
            try await connection.write((1...5).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            for number in 1...5 {
                let answer = try await connection.readMessage()
                #expect(answer.hasSuffix("\r\n\r\n/\(number)"))
            }
        }
    }

    @Test("A client that waits to be told to go on is told")
    func expectContinue() async throws {
        try await withServer {
            .text(String(decoding: $0.body, as: UTF8.self))
        } _: { server in
            let connection = try await RawSocket.connect(to: server.port)
            try await connection.write(
                "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            let goOn = try await connection.read(until: "\r\n\r\n")
            #expect(goOn.hasPrefix("HTTP/1.1 100 "))
            try await connection.write("body")
            let answer = try await connection.readMessage()
            #expect(answer.hasSuffix("body"))
        }
    }

    @Test("A client that leaves has its handler cancelled, though it had sent its request whole")
    func clientLeaves() async throws {
        let (started, cancelled) = (Signal(), Signal())
        try await withServer { _ in
            started.send()
            await Signal().wait()
            cancelled.send()
            return HTTPServerResponse()
        } _: { server in
            let connection = try await RawSocket.connect(to: server.port)
            try await connection.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.wait()
            connection.close()
            await cancelled.wait()
        }
    }

    @Test("An answer that cannot be sent is a 500, not a header of somebody else's")
    func badAnswer() async throws {
        try await withServer { request in
            request.path == "/header"
                ? HTTPServerResponse(headers: ["X-Name": "a\r\nX-Other: b"]) : HTTPServerResponse(status: 42)
        } _: { server in
            let header = try await client.get(server.url("/header"))
            #expect(header.status == 500)
            #expect(header.headers["X-Other"] == nil)
            let status = try await client.get(server.url("/status"))
            #expect(status.status == 500)
        }
    }

    @Test("An address that is taken is named in the error")
    func addressTaken() async throws {
        try await withServer { _ in
            HTTPServerResponse()
        } _: { server in
            var configuration = HTTPServer.Configuration()
            configuration.port = server.port
            let failure = #expect(throws: HTTPServerError.self) {
                try HTTPServer(configuration: configuration, logger: quiet) { _ in HTTPServerResponse() }
            }
            #expect(failure?.description == "cannot listen on 127.0.0.1:\(server.port): Address already in use")
        }
    }
}
