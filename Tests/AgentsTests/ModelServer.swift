import HTTP
import Platform
import Synchronization
import TestSupport

@testable import Agents

/// A server on a free port that answers what a test tells it to, in order, and keeps what it was asked.
final class ModelServer: Sendable {
    typealias Answer = @Sendable (HTTPServerRequest) async -> HTTPServerResponse

    private struct State {
        var answers: [Answer]
        var requests: [HTTPServerRequest] = []
    }

    private let state: Mutex<State>
    private let lines = Mutex<[String]>([])
    static let key = "sk-test-0123456789"

    /// A question with all the time that a busy machine may need.
    static var request: ModelRequest {
        var request = ModelRequest(messages: [.user("Hi")])
        request.timeout = .seconds(300)
        return request
    }

    init(_ answers: [Answer]) { state = Mutex(State(answers: answers)) }

    convenience init(_ answers: HTTPServerResponse...) {
        self.init(answers.map { answer in { @Sendable _ in answer } })
    }

    var requests: [HTTPServerRequest] { state.withLock { $0.requests } }
    /// Everything that was logged at any level.
    var log: [String] { lines.withLock { $0 } }

    /// Runs `body` with a model that asks this server and waits no real time between attempts; the waits are returned.
    func run(_ body: (OpenAIModel) async throws -> Void) async throws -> [Duration] {
        let waits = Mutex<[Duration]>([])
        try await serve { baseURL, client in
            var settings = OpenAIModel.Configuration(model: "gpt-4o-mini", apiKey: Self.key)
            settings.attemptTimeout = .seconds(300)
            settings.baseURL = baseURL
            try await body(OpenAIModel(settings, client: client) { wait in waits.withLock { $0.append(wait) } })
        }
        return waits.withLock { $0 }
    }

    /// The same with a BAML server between the model and this server.
    func runBAML(_ body: (BAMLModel) async throws -> Void) async throws -> [Duration] {
        let waits = Mutex<[Duration]>([])
        try await serve { baseURL, client in
            let baml = try await BAMLServer.start(modelURL: baseURL, apiKey: Self.key)
            var settings = BAMLModel.Configuration()
            settings.baseURL = baml.url
            settings.password = BAMLServer.password
            settings.functions = ["call_outcome": "ConcludeCall"]
            settings.attemptTimeout = .seconds(300)
            do {
                try await body(BAMLModel(settings, client: client) { wait in waits.withLock { $0.append(wait) } })
            } catch {
                await baml.stop()
                throw error
            }
            await baml.stop()
        }
        return waits.withLock { $0 }
    }

    /// Runs `body` with the base URL of this server and a client.
    func serve(_ body: (String, HTTPClient) async throws -> Void) async throws {
        let logger = Logger(label: "test", level: .trace) { line in self.lines.withLock { $0.append(line) } }
        var configuration = HTTPServer.Configuration()
        // Far beyond any wait of a busy machine: nothing here is to end by a clock.
        configuration.requestDeadline = .seconds(300)
        let server = try HTTPServer(configuration: configuration, logger: logger) { await self.answer($0) }
        let client = HTTPClient(logger: logger)
        let outcome: Result<Void, any Error> = await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await server.run() }
            do {
                try await body("http://127.0.0.1:\(server.port)/v1", client)
                await server.stop(within: .seconds(1))
                return .success(())
            } catch {
                await server.stop(within: .seconds(1))
                return .failure(error)
            }
        }
        await client.shutDown()
        try outcome.get()
    }

    private func answer(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answers.isEmpty ? nil : state.answers.removeFirst()
        }
        return await answer?(request) ?? HTTPServerResponse(status: 500)
    }

    // MARK: answers

    static func completion(_ message: JSON, finishReason: JSON = "stop") -> HTTPServerResponse {
        .json([
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini",
            "choices": [["index": 0, "message": message, "finish_reason": finishReason]],
            "usage": ["prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18],
        ])
    }

    static func failure(_ status: Int, _ error: JSON = [:], headers: HTTPHeaders = [:]) -> HTTPServerResponse {
        .json(["error": error], status: status, headers: headers)
    }

    /// Each element as the data of one server-sent event.
    static func events(_ data: [String]) -> HTTPServerResponse {
        let stream = AsyncThrowingStream<[UInt8], any Error> { continuation in
            for one in data { continuation.yield(Array("data: \(one)\n\n".utf8)) }
            continuation.finish()
        }
        return HTTPServerResponse(headers: ["Content-Type": "text/event-stream"], stream: stream)
    }
}
