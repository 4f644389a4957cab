import Agents
import HTTP
import Platform
import Synchronization

@testable import Calls

/// A service that custom tools ask, and the way there that a model's calls take.
final class ToolService: Sendable {
    private static let logger = Logger(label: "test", level: .critical)

    private let received = Mutex<[HTTPServerRequest]>([])
    private let cache = ToolResultCache()
    let http = HTTPClient(logger: logger)
    private let server: Mutex<HTTPServer?> = Mutex(nil)

    /// - Parameter answer: gets each request with its number, from 0.
    init(_ answer: @escaping @Sendable (HTTPServerRequest, Int) async -> HTTPServerResponse) throws {
        let server = try HTTPServer(configuration: .init(), logger: Self.logger) { [weak self] request in
            let number = self?.received.withLock { received in
                received.append(request)
                return received.count - 1
            }
            return await answer(request, number ?? 0)
        }
        self.server.withLock { $0 = server }
    }

    convenience init(_ answer: HTTPServerResponse) throws { try self.init { _, _ in answer } }

    var requests: [HTTPServerRequest] { received.withLock { $0 } }
    var url: String { "http://127.0.0.1:\(server.withLock { $0?.port } ?? 0)" }

    func stop() async {
        await http.shutDown()
        await server.withLock { $0 }?.stop(within: .zero)
    }

    /// One call of the tool `find_customer`, whose URL is of this service unless `changes` has another.
    func call(
        _ arguments: JSON = ["number": "17"], _ changes: [String: JSON] = [:], secrets: [String: String] = [:],
        allowing hosts: String = "127.0.0.0/8", earlier: [ToolExecution] = []
    ) async throws -> ToolExecution {
        let entry = ToolsFileText.tool(["url": .string(url + "/customers/{number}")]).with(changes)
        let definitions = try ToolsFileText.read(
            ToolsFileText.file(tools: [entry]), secrets: secrets, allowing: "127.0.0.0/8")
        let tool = CustomTool(
            definition: definitions.customTools[0], http: http, destinations: DestinationPolicy(hosts) ?? .publicOnly,
            logger: Self.logger)
        let executor = ToolExecutor(registry: try ToolRegistry([tool]), cache: cache, logger: Self.logger)
        let call = ToolCall(id: "call_1", name: "find_customer", arguments: arguments.text)
        return try await executor.execute([call], earlier: earlier)[0]
    }
}

extension HTTPServerResponse {
    static func page(_ status: Int = 200) -> HTTPServerResponse {
        var page = HTTPServerResponse.text("<!DOCTYPE html><html><body>Sign in</body></html>", contentType: "text/html")
        page.status = status
        return page
    }
}
