import HTTP
import Platform

/// Reads what `POST /chat/completions` answers: a completion, or an error.
enum ChatCompletionsAnswer {
    /// The `chat.completion` object.
    static func response(_ body: JSON) throws(ModelError) -> ModelResponse {
        guard let choice = body["choices"]?[0], let message = choice["message"], message.object != nil else {
            throw ModelError(.invalidAnswer, "the answer has no choices[0].message")
        }
        let refusal = message["refusal"]?.string
        let calls = try (message["tool_calls"]?.array ?? []).enumerated().map { index, call throws(ModelError) in
            try toolCall(call, index: index)
        }
        return ModelResponse(
            text: message["content"]?.string ?? refusal, toolCalls: calls, usage: usage(body["usage"]),
            finishReason: refusal == nil ? choice["finish_reason"]?.string ?? "stop" : "content_filter",
            model: body["model"]?.string)
    }

    static func usage(_ usage: JSON?) -> ModelUsage {
        ModelUsage(
            promptTokens: Int(usage?["prompt_tokens"]?.integer ?? 0),
            completionTokens: Int(usage?["completion_tokens"]?.integer ?? 0),
            cachedPromptTokens: Int(usage?["prompt_tokens_details"]?["cached_tokens"]?.integer ?? 0))
    }

    /// Some compatible servers leave out ids, or write arguments as an object: both are understood.
    private static func toolCall(_ call: JSON, index: Int) throws(ModelError) -> ToolCall {
        guard let function = call["function"], let name = function["name"]?.string else {
            throw ModelError(.invalidAnswer, "tool_calls[\(index)] is not a function call")
        }
        let id = call["id"]?.string ?? ""
        let arguments = function["arguments"]
        return ToolCall(
            id: id.isEmpty ? "call_\(index)" : id, name: name,
            arguments: arguments?.string ?? (arguments?.object == nil ? "" : arguments?.text ?? ""))
    }

    /// What a status other than 2xx means. The texts are ours: a server's may quote the key or the prompt.
    static func error(_ response: HTTPClientResponse) -> ModelError {
        let error = (try? response.json())?["error"]
        var result = self.error(status: response.status, kind: error?["code"]?.string ?? error?["type"]?.string)
        result.retryAfter = response.retryAfter
        result.detail = error?["message"]?.string.map { String($0.prefix(500)) }
        return result
    }

    static func error(status: Int, kind: String?) -> ModelError {
        switch (status, kind) {
        case (401, _), (403, _):
            ModelError(.authentication, "the API key is wrong or may not use this model", status: status)
        case (_, "insufficient_quota"):
            ModelError(.quotaExceeded, "the account's quota is used up: check its billing", status: status)
        case (429, _): ModelError(.rateLimited, "too many requests", status: status)
        case (_, "context_length_exceeded"):
            ModelError(.contextTooLong, "the conversation is longer than the model can read", status: status)
        case (404, _):
            ModelError(.invalidRequest, "no such model or path: check the base URL and model", status: status)
        case (408, _), (409, _), (500..., _):
            ModelError(.unavailable, "the server failed", status: status)
        default: ModelError(.invalidRequest, "the request was refused\(named(kind))", status: status)
        }
    }

    /// Error kinds are identifiers; anything else in that place is not repeated.
    private static func named(_ kind: String?) -> String {
        guard let kind, kind.count <= 64, kind.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else {
            return ""
        }
        return " as \(kind)"
    }

    static func error(_ error: HTTPError) -> any Error {
        switch error.code {
        case .cancelled: CancellationError()
        case .timeout: ModelError(.timeout, "no answer in time")
        case .badURL: ModelError(.invalidRequest, "the base URL is not a URL")
        case .responseTooLarge: ModelError(.invalidAnswer, "the answer is too large")
        case .notConnected: ModelError(.unavailable, "the server could not be reached")
        case .tooManyRequests: ModelError(.unavailable, "too many requests are under way in this process")
        case .connectionLost, .shutDown, .mail, .mailLogin: ModelError(.unavailable, "the connection was lost")
        }
    }
}
