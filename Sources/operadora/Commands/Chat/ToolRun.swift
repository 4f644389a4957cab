import Agents
import Calls
import Platform

/// One tool, run by hand as the model would.
struct ToolRun: Sendable {
    let chat: Chat
    let brief: ChatBrief
    let tool: String
    let arguments: String

    /// Throws `ExitCode.failure` when the tool answers that it could not.
    func run() async throws {
        try await ChatSession.hold(brief, chat.services) { session in
            try await chat.untilStopped {
                let execution = try await session.execute(tool, arguments: arguments)
                Console.print(
                    chat.isJSON ? json(execution, session).text : execution.result.value.text.printableLine)
                if !execution.result.success { throw ExitCode.failure }
            }
        }
    }

    private func json(_ execution: ToolExecution, _ session: ChatSession) -> JSON {
        [
            "call": .integer(session.callID), "name": .string(execution.call.name),
            "arguments": execution.arguments ?? .string(execution.call.arguments), "result": execution.result.value,
            "success": .bool(execution.result.success),
            "duration_ms": .number(execution.duration.inMilliseconds),
        ]
    }
}
