import HTTP
import Platform
import Testing

@Suite struct ClientTests {
    private let client = HTTPClient(logger: quiet)

    @Test("A server that does not answer in time is a time-out of a request that was sent")
    func totalTimeout() async throws {
        let forever = Signal()
        try await withServer { _ in
            await forever.wait()
            return HTTPServerResponse()
        } _: { server in
            let failure = await error { try await client.get(server.url(), timeout: .milliseconds(200)) }
            #expect(failure?.code == .timeout)
            #expect(failure?.requestWasSent == true)
        }
    }

    @Test("A server that does not take the connection in time is a time-out of a request that was not sent")
    func connectTimeout() async throws {
        // The system keeps one connection more than the backlog, and ignores the next.
        let server = try RawServer(backlog: 0)
        let first = try await RawSocket.connect(to: server.port)
        var request = HTTPClientRequest(.post, "http://127.0.0.1:\(server.port)/", body: [1])
        request.connectTimeout = .milliseconds(200)
        let failure = await error { try await client.send(request) }
        #expect(failure?.code == .timeout)
        #expect(failure?.requestWasSent == false)
        first.close()
    }

    @Test("A refused connection is certainly not processed")
    func refused() async throws {
        let port = try RawServer().port
        let failure = await error { try await client.get("http://127.0.0.1:\(port)/path?secret=1") }
        #expect(failure?.code == .notConnected)
        #expect(failure?.requestWasSent == false)
        #expect(failure?.description.contains("GET http://127.0.0.1:\(port)/path: ") == true)
    }

    @Test("A name that does not exist is certainly not processed")
    func unknownHost() async throws {
        let failure = await error { try await client.get("http://nowhere.invalid/") }
        #expect(failure?.code == .notConnected)
        #expect(failure?.requestWasSent == false)
    }

    @Test("An answer over the limit is refused, with a Content-Length or without", arguments: [true, false])
    func responseTooLarge(hasLength: Bool) async throws {
        try await withServer { _ in
            let body = [UInt8](repeating: 7, count: 100_001)
            if hasLength { return HTTPServerResponse(body: body) }
            let (stream, continuation, _) = channel()
            continuation.yield(body)
            continuation.finish()
            return HTTPServerResponse(stream: stream)
        } _: { server in
            var request = HTTPClientRequest(.get, server.url())
            request.maximumResponseBytes = 100_000
            let failure = await error { try await client.send(request) }
            #expect(failure?.code == .responseTooLarge)
            request.maximumResponseBytes = 100_001
            let whole = try await client.send(request)
            #expect(whole.body.count == 100_001)
        }
    }

    @Test("An answer whose headers have no end is refused")
    func headersTooLarge() async throws {
        let server = try RawServer()
        async let failure = error { try await client.get("http://127.0.0.1:\(server.port)/") }
        let connection = try await server.accept()
        _ = try await connection.readMessage()
        let line = "X-Filler: " + String(repeating: "x", count: 10_000) + "\r\n"
        try? await connection.write("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 30))
        #expect(await failure?.code == .responseTooLarge)
    }

    @Test("Cancelling the task ends the request, and the server's handler is cancelled with it")
    func cancellation() async throws {
        let (started, cancelled) = (Signal(), Signal())
        try await withServer { _ in
            started.send()
            await Signal().wait()
            cancelled.send()
            return HTTPServerResponse()
        } _: { server in
            let request = Task { await error { try await client.get(server.url()) } }
            await started.wait()
            request.cancel()
            let failure = await request.value
            #expect(failure?.code == .cancelled)
            #expect(failure?.requestWasSent == true)
            await cancelled.wait()
        }
    }

    @Test("A task that is cancelled already sends nothing")
    func cancelledBefore() async throws {
        let requests = Tally()
        try await withServer { _ in
            requests.add()
            return HTTPServerResponse()
        } _: { server in
            let mayStart = Signal()
            let request = Task {
                await mayStart.wait()
                return await error { try await client.get(server.url()) }
            }
            request.cancel()
            mayStart.send()
            let failure = await request.value
            #expect(failure?.code == .cancelled)
            #expect(failure?.requestWasSent == false)
            #expect(requests.count == 0)
        }
    }

    @Test("200 requests at once all get their own answer")
    func concurrency() async throws {
        try await withServer {
            .text($0.query["n"] ?? "")
        } _: { server in
            let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                for n in 0..<200 {
                    group.addTask { try await client.get(server.url("/?n=\(n)")).text == "\(n)" }
                }
                return try await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(answers.count == 200 && answers.allSatisfy { $0 })
        }
    }

    @Test("More requests at once than allowed fail at once and unsent")
    func tooManyRequests() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.maximumConcurrentRequests = 1
        let client = HTTPClient(configuration: configuration, logger: quiet)
        let (started, mayEnd) = (Signal(), Signal())
        try await withServer { _ in
            started.send()
            await mayEnd.wait()
            return HTTPServerResponse()
        } _: { server in
            async let first = client.get(server.url())
            await started.wait()
            let failure = await error { try await client.get(server.url()) }
            #expect(failure?.code == .tooManyRequests)
            #expect(failure?.requestWasSent == false)
            mayEnd.send()
            let status = try await first.status
            #expect(status == 200)
        }
    }

    @Test(
        "A request over the limit of its host waits for its turn, and its time-out and cancellation hold while it waits"
    )
    func limitPerHost() async throws {
        var configuration = HTTPClient.Configuration()
        configuration.maximumConcurrentRequestsPerHost = 1
        let client = HTTPClient(configuration: configuration, logger: quiet)
        let (requests, mayEnd) = (Tally(), Signal())
        try await withServer { _ in
            requests.add()
            await mayEnd.wait()
            return HTTPServerResponse()
        } _: { server in
            async let first = client.get(server.url())
            await requests.wait(for: 1)
            let late = await error { try await client.get(server.url(), timeout: .milliseconds(50)) }
            #expect(late?.code == .timeout)
            #expect(late?.requestWasSent == false)
            let cancelled = Task { await error { try await client.get(server.url()) } }
            async let second = client.get(server.url())
            cancelled.cancel()
            let failure = await cancelled.value
            #expect(failure?.code == .cancelled)
            #expect(failure?.requestWasSent == false)
            #expect(requests.count == 1)
            mayEnd.send()
            let answers = try await [first.status, second.status]
            #expect(answers == [200, 200])
        }
    }

    @Test("Redirects are answers like any other")
    func redirect() async throws {
        try await withServer { _ in
            HTTPServerResponse(status: 302, headers: ["Location": "/else"])
        } _: { server in
            let response = try await client.get(server.url())
            #expect(response.status == 302)
            #expect(response.headers["location"] == "/else")
        }
    }

    @Test("Every method reaches the server, with its body")
    func methods() async throws {
        try await withServer {
            .text(
                "\($0.method) \($0.body.count) \($0.headers["content-type"] ?? "none") \($0.headers["expect"] ?? "none")"
            )
        } _: { server in
            for method: HTTPClientRequest.Method in [.get, .post, .put, .patch, .delete] {
                let empty = try await client.send(HTTPClientRequest(method, server.url()))
                #expect(empty.text == "\(method.rawValue) 0 none none")
                let body = [UInt8](repeating: 1, count: 50_000)
                let full = try await client.send(HTTPClientRequest(method, server.url(), body: body))
                #expect(full.text == "\(method.rawValue) 50000 none none")
            }
            let head = try await client.send(HTTPClientRequest(.head, server.url()))
            #expect(head.status == 200 && head.body.isEmpty)
        }
    }

    @Test("An interim answer is passed over, and repeated headers are kept")
    func interimAnswer() async throws {
        let server = try RawServer()
        async let response = client.get("http://127.0.0.1:\(server.port)/")
        let connection = try await server.accept()
        _ = try await connection.readMessage()
        try await connection.write(
            "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nset-cookie:  b=2 \r\n"
                + "Content-Length: 2\r\n\r\nhi")
        let answer = try await response
        #expect(answer.status == 201)
        #expect(answer.headers.values(of: "Set-Cookie") == ["a=1", "b=2"])
        #expect(answer.headers["Link"] == nil)
        #expect(answer.text == "hi")
    }

    @Test(
        "What cannot be sent as it is, is refused before anything is sent",
        arguments: ["ftp://127.0.0.1/", "127.0.0.1/", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y", ""])
    func badURL(url: String) async throws {
        let failure = await error { try await client.get(url) }
        #expect(failure?.code == .badURL)
        #expect(failure?.requestWasSent == false)
    }

    @Test(
        "A header that would begin another is refused",
        arguments: [("X-Name", "a\r\nX-Other: b"), ("X-Name", "a\nb"), ("X Name", "a"), ("X-Name:", "a"), ("", "a")])
    func headerInjection(name: String, value: String) async throws {
        let request = HTTPClientRequest(.get, "http://127.0.0.1:1/", headers: HTTPHeaders([(name, value)]))
        let late = await error { try await client.send(request) }
        #expect(late?.code == .badURL)
    }

    @Test("A password in the URL is not in the error")
    func userInURL() async throws {
        let port = try RawServer().port
        let failure = await error { try await client.get("http://user:hidden@127.0.0.1:\(port)/") }
        #expect(failure?.description.contains("hidden") == false)
    }

    @Test("Shutting down fails what is under way, and what comes later")
    func shutDown() async throws {
        let started = Signal()
        let client = HTTPClient(logger: quiet)
        try await withServer { _ in
            started.send()
            await Signal().wait()
            return HTTPServerResponse()
        } _: { server in
            async let running = error { try await client.get(server.url()) }
            await started.wait()
            await client.shutDown()
            #expect(await running?.code == .shutDown)
            let late = await error { try await client.get(server.url()) }
            #expect(late?.code == .shutDown)
        }
    }
}
