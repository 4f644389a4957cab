import HTTP
import Platform
import Synchronization

/// An answer before faults are applied to it.
struct SimulatedAnswer: Sendable {
    var status: Int
    var headers: HTTPHeaders
    /// One piece is sent whole; several are sent one by one, as a stream.
    var pieces: [[UInt8]]

    init(status: Int = 200, headers: HTTPHeaders = [:], pieces: [[UInt8]]) {
        self.status = status
        self.headers = headers
        self.pieces = pieces
    }

    init(status: Int = 200, headers: HTTPHeaders = [:], json: JSON) {
        self.init(status: status, headers: headers, pieces: [Array(json.data)])
        self.headers["Content-Type"] = "application/json; charset=utf-8"
    }

    var response: HTTPServerResponse {
        guard pieces.count > 1 else {
            return HTTPServerResponse(status: status, headers: headers, body: pieces.first ?? [])
        }
        let pieces = pieces
        // As many as there are: nothing is dropped, and nothing more is ever added.
        let stream = AsyncThrowingStream<[UInt8], any Error>(bufferingPolicy: .bufferingOldest(pieces.count)) {
            for piece in pieces { $0.yield(piece) }
            $0.finish()
        }
        return HTTPServerResponse(status: status, headers: headers, stream: stream)
    }

    /// The first half of the answer, then the end of the connection.
    var truncated: HTTPServerResponse {
        let bytes = pieces.count > 1 ? Array(pieces.prefix(pieces.count / 2).joined()) : pieces.first ?? []
        var response = HTTPServerResponse.drop(sent: pieces.count > 1 ? bytes : Array(bytes.prefix(bytes.count / 2)))
        response.status = status
        response.headers = headers
        return response
    }
}

/// What a provider does with requests, apart from faults.
protocol SimulatedProvider: Sendable {
    /// Nil for requests that no fault should meet, such as those to paths that do not exist.
    func operation(of request: HTTPServerRequest) -> SimulatedOperation?
    func process(_ request: HTTPServerRequest) async -> SimulatedAnswer
    /// The body of a 429 or a 500, in the provider's own shape.
    func failure(status: Int) -> JSON
}

/// The HTTP side that all simulators share: listens on a port of 127.0.0.1, and lets faults happen.
final class SimulatorServer: Sendable {
    private struct Running {
        var server: HTTPServer
        var task: Task<Void, any Error>
    }

    private let running = Mutex<Running?>(nil)
    private let faults: FaultSwitch
    private let logger: Logger

    init(faults: FaultSwitch, logger: Logger) {
        self.faults = faults
        self.logger = logger
    }

    /// Serves `provider` until `stop()`. Returns the base URL, without a slash at the end.
    func start(_ provider: any SimulatedProvider, port: Int) throws -> String {
        var configuration = HTTPServer.Configuration()
        configuration.port = port
        // A simulator that is told to think for long must not be cut short by its own server.
        configuration.requestDeadline = .seconds(120)
        let faults = faults
        let server = try HTTPServer(configuration: configuration, logger: logger) { request in
            await Self.answer(request, by: provider, faults)
        }
        let task = Task { try await server.run() }
        running.withLock { $0 = Running(server: server, task: task) }
        return "http://127.0.0.1:\(server.port)"
    }

    func stop() async {
        guard let running = running.withLock({ $0.take() }) else { return }
        await running.server.stop(within: .seconds(1))
        _ = await running.task.result
    }

    private static func answer(
        _ request: HTTPServerRequest, by provider: any SimulatedProvider, _ faults: FaultSwitch
    ) async -> HTTPServerResponse {
        guard let operation = provider.operation(of: request), let (fault, delay) = faults.next(for: operation) else {
            return await provider.process(request).response
        }
        switch fault {
        case .delay:
            try? await Task.sleep(for: delay)
            return await provider.process(request).response
        case .rateLimit:
            let headers: HTTPHeaders = ["Retry-After": String(faults.plan.retryAfterSeconds)]
            return SimulatedAnswer(status: 429, headers: headers, json: provider.failure(status: 429)).response
        case .serverError: return SimulatedAnswer(status: 500, json: provider.failure(status: 500)).response
        case .dropBeforeEffect: return .drop()
        case .dropAfterEffect:
            _ = await provider.process(request)
            return .drop()
        case .truncate: return await provider.process(request).truncated
        case .duplicateWebhook, .reorderWebhook: return await provider.process(request).response
        }
    }
}
