import Dispatch
import FoundationEssentials
import Platform
import Testing

@testable import Agents

@Suite("A tool made of a function")
struct FunctionToolTests {
    private struct Question: Decodable {
        var city: String
        var day: Date?
    }
    private struct Weather: Encodable { var sky: String }

    private func run(_ tool: FunctionTool, _ arguments: String) async throws -> ToolResult {
        let executor = ToolExecutor(
            registry: try ToolRegistry([tool]), logger: Logger(label: "test", level: .critical))
        return try await executor.execute([ToolCall(id: "call_1", name: "ask", arguments: arguments)])[0].result
    }

    private func weather() throws -> FunctionTool {
        try FunctionTool("ask", "The weather.", taking: Question.self) { question in
            Weather(sky: "clear in \(question.city)")
        }
    }

    @Test("A typed one gets its type, validated, and what it returns is the success that the model reads")
    func typed() async throws {
        #expect(
            try await run(weather(), #"{"city":"Lisbon"}"#)
                == ToolResult(success: true, value: ["sky": "clear in Lisbon"]))
        #expect(try await run(weather(), "{}") == .failure("arguments.city is required"))
        #expect(try await run(weather(), #"{"city":"Lisbon","day":"2025-02-30T10:00:00Z"}"#).success == false)
    }

    @Test("What the schema lets through and the type does not is told with its place")
    func undecodable() async throws {
        let tool = try FunctionTool("ask", "Asks.", taking: [String: UUID].self) { $0 }
        let result = try await run(tool, #"{"id":"seven"}"#)
        #expect(result.value["error"]?.string?.hasPrefix("arguments.id cannot be used") == true, "\(result)")
    }

    @Test("One that returns a result decides for itself what is a success")
    func decides() async throws {
        let tool = try FunctionTool("ask", "Asks.", taking: Question.self) { _ in ToolResult.failure("not today") }
        #expect(try await run(tool, #"{"city":"Lisbon"}"#) == .failure("not today"))
    }

    @Test("Synchronous work on a thread of its own holds none of those that tasks share")
    func synchronous() async throws {
        // More than there are shared threads wait for each other; on those they would never end.
        let count = 16
        let arrived = Barrier(count)
        let tool = FunctionTool("ask", "Waits.", timeout: .seconds(60)) { arguments in
            try await FunctionTool.onOwnThread {
                arrived.wait()
                return ToolResult(success: true, value: arguments)
            }
        }
        var limits = ToolExecutor.Limits()
        limits.maximumConcurrentCalls = count
        let executor = ToolExecutor(
            registry: try ToolRegistry([tool]), limits: limits, logger: Logger(label: "test", level: .critical))
        let ended = try await executor.execute(
            (0..<count).map { ToolCall(id: "call_\($0)", name: "ask", arguments: "{\"n\":\($0)}") })
        #expect(ended.map(\.result.success) == Array(repeating: true, count: count))
    }

    @Test("Synchronous work that throws fails the call with its message")
    func synchronousFailure() async throws {
        let tool = FunctionTool("ask", "Fails.") { _ in
            try await FunctionTool.onOwnThread { () throws -> ToolResult in throw ToolError("no paper") }
        }
        #expect(try await run(tool, "{}") == .failure("no paper"))
    }

    /// Lets nobody pass before all have come. Blocks threads.
    private struct Barrier: Sendable {
        private let group = DispatchGroup()
        init(_ count: Int) { for _ in 0..<count { group.enter() } }

        func wait() {
            group.leave()
            group.wait()
        }
    }
}
