import HTTP
import Platform
import Testing

@Suite struct EventStreamTests {
    private let client = HTTPClient(logger: quiet)

    @Test("Events arrive one by one, while the stream is open")
    func events() async throws {
        let (stream, continuation, _) = channel()
        try await withServer { _ in
            HTTPServerResponse(headers: ["Content-Type": "text/event-stream"], stream: stream)
        } _: { server in
            var events = client.events(HTTPClientRequest(.get, server.url())).makeAsyncIterator()
            for number in 1...3 {
                // The next one is only sent when the one before has been seen.
                continuation.yield(ServerSentEvent(event: "n", data: "\(number)\nline", id: "\(number)").encoded)
                let event = try await events.next()
                #expect(event == ServerSentEvent(event: "n", data: "\(number)\nline", id: "\(number)"))
            }
            continuation.finish()
            let end = try await events.next()
            #expect(end == nil)
        }
    }

    @Test("A status other than 2xx is an error with the answer's body")
    func status() async throws {
        try await withServer { _ in
            .text("slow down", status: 429)
        } _: { server in
            let failure = await #expect(throws: HTTPStatusError.self) {
                for try await _ in client.events(HTTPClientRequest(.get, server.url())) {}
            }
            #expect(failure?.response.status == 429)
            #expect(failure?.response.text == "slow down")
        }
    }

    @Test("A stream that breaks off gives its events, then the error")
    func broken() async throws {
        try await withServer { _ in
            let (stream, continuation, _) = channel()
            continuation.yield(ServerSentEvent(data: "one").encoded + Array("data: tw".utf8))
            continuation.finish(throwing: RawSocketError(0))
            return HTTPServerResponse(stream: stream)
        } _: { server in
            var events = client.events(HTTPClientRequest(.get, server.url())).makeAsyncIterator()
            let first = try await events.next()
            #expect(first == ServerSentEvent(data: "one"))
            let failure = await #expect(throws: HTTPError.self) { try await events.next() }
            #expect(failure?.code == .connectionLost)
        }
    }

    @Test("Dropping the stream ends the request, and the server's stream with it")
    func dropped() async throws {
        let (stream, continuation, ended) = channel()
        try await withServer { _ in
            HTTPServerResponse(stream: stream)
        } _: { server in
            continuation.yield(ServerSentEvent(data: "one").encoded)
            for try await _ in client.events(HTTPClientRequest(.get, server.url())) { break }
            await ended.wait()
        }
    }

    @Test("Cancelling the reader ends the request")
    func cancelled() async throws {
        let (stream, continuation, ended) = channel()
        let seen = Signal()
        try await withServer { _ in
            HTTPServerResponse(stream: stream)
        } _: { server in
            continuation.yield(ServerSentEvent(data: "one").encoded)
            let reader = Task {
                await error { for try await _ in client.events(HTTPClientRequest(.get, server.url())) { seen.send() } }
            }
            await seen.wait()
            reader.cancel()
            // A loop that is cancelled while it waits for the next element may end without an error.
            let code = await reader.value?.code
            #expect(code == nil || code == .cancelled)
            await ended.wait()
        }
    }

    @Test("A large stream arrives whole through all the limits in between")
    func large() async throws {
        let chunk = ServerSentEvent(data: String(repeating: "x", count: 1_000)).encoded
        try await withServer { _ in
            let left = Tally()
            return HTTPServerResponse(
                stream: AsyncThrowingStream {
                    left.add()
                    return left.count <= 3_000 ? chunk : nil
                })
        } _: { server in
            var count = 0
            for try await event in client.events(HTTPClientRequest(.get, server.url())) where event.data.count == 1_000
            {
                count += 1
            }
            #expect(count == 3_000)
        }
    }

    @Test("A stream over the limit is refused")
    func tooLarge() async throws {
        try await withServer { _ in
            HTTPServerResponse(body: [UInt8](repeating: UInt8(ascii: "x"), count: 2_000))
        } _: { server in
            var request = HTTPClientRequest(.get, server.url())
            request.maximumResponseBytes = 1_999
            let events = client.events(request)
            let failure = await #expect(throws: HTTPError.self) { for try await _ in events {} }
            #expect(failure?.code == .responseTooLarge)
        }
    }
}
