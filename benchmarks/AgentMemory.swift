import Agents
import Glibc
import Platform

/// Resident memory of agents that have talked for a while, tools included.
enum AgentMemory {
    static let subject = Subject(
        name: "agents", summary: "resident memory of 1,000 agents with histories of 50 messages", run: run)

    private static let agents = 1_000
    /// Of four messages each: a question, a tool call, its result, an answer.
    private static let exchanges = 13

    private static func run(_ bench: Bench) async throws -> [Figure] {
        let lookup = FunctionTool("lookup", "Looks it up.", isRetrySafe: true) { arguments in
            ToolResult(success: true, value: ["asked": arguments["about"] ?? nil, "found": .string(words(40))])
        }
        let tools = try ToolRegistry([lookup])
        var all: [ChatAgent] = []
        for _ in 0..<agents {
            let agent = try ChatAgent(
                model: Talker(), AgentConfiguration(instructions: words(100)), tools: tools, logger: bench.logger)
            for _ in 0..<exchanges { try await agent.send(words(20)) }
            all.append(agent)
        }
        // The whole process: what it had before may be used again by now, and a difference would say too little.
        let resident = try ResidentMemory.megabytes(of: getpid())
        var fewest = Int.max
        for agent in all { fewest = min(fewest, await agent.history.count) }
        return [
            Figure(
                name: "a process with 1,000 agents, resident", value: resident, unit: "MB", bar: .atMost(200)),
            Figure(name: "messages of an agent, at least", value: Double(fewest), unit: "messages", bar: .atLeast(50)),
        ]
    }

    private static func words(_ count: Int) -> String {
        (0..<count).map { _ in String(UInt32.random(in: 0 ... .max), radix: 36) }.joined(separator: " ")
    }

    /// Looks something up, then answers.
    private struct Talker: LanguageModel {
        func respond(to request: ModelRequest) async throws -> ModelResponse {
            if case .tool = request.messages.last { return ModelResponse(text: words(30)) }
            return .calling("lookup", #"{"about":"\#(words(5))"}"#)
        }

        func stream(_ request: ModelRequest) -> AsyncThrowingStream<ModelEvent, any Error> {
            AsyncThrowingStream { nil }
        }
    }
}
