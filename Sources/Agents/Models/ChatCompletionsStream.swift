import Platform

/// Puts a streamed answer together: text deltas, tool calls in pieces by index, usage in a last chunk without choices.
///
/// A pure state machine: `receive` takes the `data` of one server-sent event and returns what to pass on.
struct ChatCompletionsStream {
    enum Step: Equatable {
        case text(String)
        /// Nothing to pass on.
        case more
        case finished(ModelResponse)
    }

    private struct PartialCall {
        var id = ""
        var name = ""
        var arguments = ""

        mutating func take(_ piece: JSON) {
            if let id = piece["id"]?.string, !id.isEmpty { self.id = id }
            if let name = piece["function"]?["name"]?.string { self.name += name }
            if let arguments = piece["function"]?["arguments"]?.string { self.arguments += arguments }
        }
    }

    private var text = ""
    private var hasText = false
    private var calls: [Int: PartialCall] = [:]
    private var usage = ModelUsage()
    private var finishReason: String?
    private var model: String?
    private static let maximumBytes = 1 << 20

    mutating func receive(_ data: String) throws(ModelError) -> Step {
        if data == "[DONE]" { return .finished(try end()) }
        guard let chunk = try? JSON(parsing: data) else {
            throw ModelError(.invalidAnswer, "a chunk of the stream is not JSON")
        }
        if let error = chunk["error"], !error.isNull {
            let status = Int(error["code"]?.integer ?? 500)
            throw ChatCompletionsAnswer.error(status: status, kind: error["code"]?.string ?? error["type"]?.string)
        }
        if let usage = chunk["usage"], usage.object != nil { self.usage = ChatCompletionsAnswer.usage(usage) }
        if let name = chunk["model"]?.string { model = name }
        guard let choice = chunk["choices"]?[0] else { return .more }
        if let reason = choice["finish_reason"]?.string { finishReason = reason }
        return try receive(delta: choice["delta"] ?? .null)
    }

    /// What was received, once the stream has ended. Without a finish reason it ended too early.
    func end() throws(ModelError) -> ModelResponse {
        guard let finishReason else { throw ModelError(.truncated, "the stream ended in the middle of the answer") }
        let calls = calls.sorted { $0.key < $1.key }.map { index, call in
            ToolCall(id: call.id.isEmpty ? "call_\(index)" : call.id, name: call.name, arguments: call.arguments)
        }
        guard calls.allSatisfy({ !$0.name.isEmpty }) else {
            throw ModelError(.invalidAnswer, "a streamed tool call has no name")
        }
        return ModelResponse(
            text: hasText ? text : nil, toolCalls: calls, usage: usage, finishReason: finishReason, model: model)
    }

    private mutating func receive(delta: JSON) throws(ModelError) -> Step {
        for (position, piece) in (delta["tool_calls"]?.array ?? []).enumerated() {
            // A server that leaves out the index sends each call whole.
            let index = Int(piece["index"]?.integer ?? Int64(calls.count + position))
            calls[index, default: PartialCall()].take(piece)
        }
        let piece = delta["content"]?.string ?? delta["refusal"]?.string ?? ""
        text += piece
        let size = calls.values.reduce(text.utf8.count) { $0 + $1.arguments.utf8.count }
        guard size <= Self.maximumBytes, calls.count <= 128 else {
            throw ModelError(.invalidAnswer, "the answer is too large")
        }
        guard !piece.isEmpty else { return .more }
        hasText = true
        return .text(piece)
    }
}
