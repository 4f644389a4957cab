import Agents
import Platform
import Synchronization

/// What the tools answered in a stored turn, for whoever calls them again; and what was called this time.
final class RecordedAnswers: Sendable {
    private struct State {
        /// Of this turn, not yet given.
        var waiting: [ChatToolCall]
        var made: [ChatToolCall] = []
        var stop: AgentStop?
    }
    private let state: Mutex<State>
    /// Of the whole conversation.
    private let all: [ChatToolCall]

    init(of exchange: ChatExchange, in record: ChatRecord) {
        state = Mutex(State(waiting: exchange.tools))
        all = record.exchanges.flatMap(\.tools)
    }

    func take(_ event: AgentEvent) {
        state.withLock { state in
            switch event {
            case .toolEnded(let execution): state.made.append(ChatToolCall(execution))
            case .finished(let run): state.stop = run.stop
            default: break
            }
        }
    }

    var made: ([ChatToolCall], AgentStop?) { state.withLock { ($0.made, $0.stop) } }

    /// The answer to this very call, of this turn before another's. What only looks something up may answer for other
    /// arguments too, since two ways to ask for a day are one question; what does something may not.
    func answer(_ tool: any Tool, _ arguments: JSON) -> ToolResult {
        let name = tool.description.name
        let found = state.withLock { state -> ChatToolCall? in
            let index =
                state.waiting.firstIndex { $0.name == name && $0.arguments == arguments }
                ?? (tool.isRetrySafe ? state.waiting.firstIndex { $0.name == name } : nil)
            return index.map { state.waiting.remove(at: $0) }
        }
        if let call = found ?? all.last(where: { $0.name == name && $0.arguments == arguments }) {
            return ToolResult(success: call.success, value: call.result)
        }
        if tool.endsConversation { return ToolResult(success: true, value: ["success": true]) }
        return .failure("this conversation is a replay, and its record has no answer to this call: go on without it")
    }
}

/// A tool as the model knows it, with an answer in place of what it does.
struct RecordedTool: Tool {
    let tool: any Tool
    let answer: @Sendable (any Tool, JSON) -> ToolResult

    var description: ToolDescription { tool.description }
    var timeout: Duration { tool.timeout }
    var isRetrySafe: Bool { tool.isRetrySafe }
    var isRepeatable: Bool { tool.isRepeatable }
    var isConcurrencySafe: Bool { tool.isConcurrencySafe }
    var endsConversation: Bool { tool.endsConversation }

    func execute(_ arguments: JSON) async throws -> ToolResult { answer(tool, arguments) }
}
