import HTTP
import Platform
import Testing

@Suite struct ServerStopTests {
    private let client = HTTPClient(logger: quiet)

    @Test("A graceful stop takes no new connections, and finishes the requests that run")
    func graceful() async throws {
        let (started, mayEnd) = (Signal(), Signal())
        let server = try HTTPServer(configuration: .init(), logger: quiet) { _ in
            started.send()
            await mayEnd.wait()
            return .text("done")
        }
        async let running = client.get(server.url())
        await started.wait()
        async let stopped: Void = server.stop(within: .seconds(60))
        try await connectionRefused(by: server)
        mayEnd.send()
        let answer = try await running
        #expect(answer.text == "done")
        #expect(answer.headers["Connection"] == "close")
        await stopped
    }

    @Test("A stop whose time is up cancels the handlers and closes their connections")
    func hard() async throws {
        let (started, cancelled) = (Signal(), Signal())
        let server = try HTTPServer(configuration: .init(), logger: quiet) { _ in
            started.send()
            await Signal().wait()
            cancelled.send()
            return .text("never seen")
        }
        async let running = error { try await client.get(server.url()) }
        await started.wait()
        await server.stop(within: .milliseconds(20))
        await cancelled.wait()
        #expect(await running?.code == .connectionLost)
    }

    @Test("A stop whose time is up breaks off streams, also those that have nothing to say")
    func hardWithStream() async throws {
        let (stream, continuation, ended) = channel()
        let server = try HTTPServer(configuration: .init(), logger: quiet) { _ in HTTPServerResponse(stream: stream) }
        continuation.yield(ServerSentEvent(data: "one").encoded)
        var events = client.events(HTTPClientRequest(.get, server.url())).makeAsyncIterator()
        _ = try await events.next()
        await server.stop(within: .zero)
        await ended.wait()
        let failure = await #expect(throws: HTTPError.self) { try await events.next() }
        #expect(failure?.code == .connectionLost)
    }

    @Test("Stopping twice, and stopping an idle server, returns at once")
    func idle() async throws {
        let server = try HTTPServer(configuration: .init(), logger: quiet) { _ in HTTPServerResponse() }
        _ = try await client.get(server.url())
        let watch = Stopwatch()
        await server.stop(within: .seconds(60))
        await server.stop(within: .seconds(60))
        #expect(watch.elapsed < .seconds(10))
    }

    @Test("A server in a service group stops with it")
    func serviceGroup() async throws {
        let server = try HTTPServer(configuration: .init(), logger: quiet) { _ in HTTPServerResponse() }
        let group = ServiceGroup(services: [server], handlesSignals: false, logger: quiet)
        async let running: Void = group.run()
        #expect(try await client.get(server.url()).status == 200)
        group.stop()
        try await running
        let failure = await error { try await client.get(server.url()) }
        #expect(failure?.code == .notConnected)
    }

    @Test("A server whose task is cancelled stops")
    func cancelled() async throws {
        let server = try HTTPServer(configuration: .init(), logger: quiet) { _ in HTTPServerResponse() }
        let running = Task { try await server.run() }
        running.cancel()
        try await running.value
        let failure = await error { try await client.get(server.url()) }
        #expect(failure?.code == .notConnected)
    }

    /// The listening socket is closed by the server's thread, soon after it was asked.
    private func connectionRefused(by server: HTTPServer) async throws {
        while (try? await RawSocket.connect(to: server.port)) != nil { await Task.yield() }
    }
}
