import HTTP
import Platform

/// Reads what `baml-cli serve` answers: the value of a function, or an error as `{"error","message",…}` with a status.
///
/// The kinds of errors and their texts were seen at `baml-py` 0.226. The server's texts quote the prompt and the answer: none
/// of them is passed on but what BAML says of an answer that does not fit its type, as `detail`.
enum BAMLAnswer {
    /// The answer of `AnswerTurn`: a `Reply`, or words alone from a model that forgot the form. BAML mends what it can: of a
    /// broken object it may leave neither words nor calls.
    static func reply(_ answer: JSON) throws(ModelError) -> ModelResponse {
        if let words = answer.string { return ModelResponse(text: words) }
        guard answer.object != nil else { throw ModelError(.invalidAnswer, "the answer is no Reply") }
        var calls: [ToolCall] = []
        for (index, call) in (answer["calls"]?.array ?? []).enumerated() {
            guard let name = call["tool"]?.string else {
                throw ModelError(.invalidAnswer, "calls[\(index)] names no tool")
            }
            let arguments = call["args_json"]
            calls.append(
                ToolCall(
                    id: "call_" + String(UInt64.random(in: .min ... .max), radix: 36), name: name,
                    arguments: arguments?.string ?? arguments?.text ?? ""))
        }
        return ModelResponse(
            text: answer["message"]?.string, toolCalls: calls, finishReason: calls.isEmpty ? "stop" : "tool_calls")
    }

    static func error(_ response: HTTPClientResponse) -> ModelError {
        let body = try? response.json()
        let message = body?["message"]?.string ?? ""
        switch (response.status, body?["error"]?.string) {
        case (401, _), (403, _):
            return ModelError(.authentication, "the BAML server refuses the password", status: response.status)
        case (404, _):
            return ModelError(.invalidRequest, "no BAML server is at this address", status: 404)
        case (413, _):
            return ModelError(.contextTooLong, "the conversation is longer than the BAML server takes", status: 413)
        case (_, "validation_failure"):
            var error = ModelError(
                .invalidAnswer, "the answer does not fit the type of the BAML function",
                detail: String(message.prefix(500)))
            // There was one, though the server keeps its words: it may be repaired.
            error.rejected = ModelResponse(text: nil)
            return error
        case (_, "invalid_argument"):
            return ModelError(.invalidRequest, "the BAML server serves another release's baml_src")
        case (_, "client_error"): return clientError(message)
        case (_, "internal_error"): return internalError(message, status: response.status)
        default: return ChatCompletionsAnswer.error(status: response.status, kind: nil)
        }
    }

    /// What the model's own server answered to BAML, as far as BAML tells.
    private static func clientError(_ message: String) -> ModelError {
        // The text is quoted as Rust quotes, which is nearly always as JSON does.
        let text = (try? JSON(parsing: message))?.string ?? message
        let mark = "Request failed with status code: "
        if text.hasPrefix(mark), let status = Int(text.dropFirst(mark.count).prefix(3)) {
            let error = text.firstIndex(of: "{").flatMap { try? JSON(parsing: String(text[$0...])) }?["error"]
            return ChatCompletionsAnswer.error(
                status: status, kind: error?["code"]?.string ?? error?["type"]?.string)
        }
        return text.hasPrefix("reqwest::Error")
            ? ModelError(.unavailable, "the BAML server could not reach the model")
            : ModelError(.invalidAnswer, "the BAML server could not read the model's answer")
    }

    private static func internalError(_ message: String, status: Int) -> ModelError {
        if message.hasPrefix("Error parsing: Finish reason error") {
            return message.contains("\nFinish Reason: content_filter")
                ? ModelError(.refused, "a filter withheld the answer")
                : ModelError(.invalidAnswer, "the answer was cut at its token limit")
        }
        if message.hasPrefix("BAML function ") {
            return ModelError(.invalidRequest, "the BAML server has no such function: serve this release's baml_src")
        }
        if message.hasPrefix("LLM client "), message.contains("requires environment variable") {
            return ModelError(
                .invalidRequest,
                "the BAML server lacks OPENAI_BASE_URL, OPENAI_API_KEY or OPENAI_MODEL in its environment")
        }
        return ModelError(.unavailable, "the BAML server failed", status: status)
    }
}
