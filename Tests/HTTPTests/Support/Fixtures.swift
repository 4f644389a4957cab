import HTTP
import Platform

let quiet = Logger(label: "test", level: .critical)

/// A server for one test, stopped at its end.
func withServer<Result: Sendable>(
    _ configuration: HTTPServer.Configuration = .init(),
    onDeadline: @escaping @Sendable (HTTPServerRequest) -> HTTPServerResponse = { _ in HTTPServerResponse(status: 504)
    },
    handler: @escaping HTTPServer.Handler, _ test: (HTTPServer) async throws -> Result
) async throws -> Result {
    let server = try HTTPServer(configuration: configuration, logger: quiet, onDeadline: onDeadline, handler: handler)
    do {
        let result = try await test(server)
        await server.stop()
        return result
    } catch {
        await server.stop(within: .zero)
        throw error
    }
}

extension HTTPServer {
    func url(_ target: String = "/") -> String { "http://127.0.0.1:\(port)\(target)" }
}

extension HTTPClient {
    /// With a limit that no passing test comes near.
    func get(_ url: String, timeout: Duration = .seconds(20)) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(.get, url)
        request.timeout = timeout
        return try await send(request)
    }
}

/// A stream whose chunks the test sends, and a signal of its end.
func channel() -> (
    AsyncThrowingStream<[UInt8], any Error>, AsyncThrowingStream<[UInt8], any Error>.Continuation, Signal
) {
    let (stream, continuation) = AsyncThrowingStream.makeStream(
        of: [UInt8].self, bufferingPolicy: .bufferingOldest(100))
    let ended = Signal()
    continuation.onTermination = { _ in ended.send() }
    return (stream, continuation, ended)
}

func error(_ work: () async throws -> some Sendable) async -> HTTPError? {
    do {
        _ = try await work()
        return nil
    } catch {
        return error as? HTTPError
    }
}
