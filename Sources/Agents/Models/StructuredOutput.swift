public import Platform

extension ModelRequest {
    /// Throws when an answer is not what the request asked for.
    func check(_ response: ModelResponse) throws(ModelError) {
        guard responseSchema != nil, response.toolCalls.isEmpty else { return }
        _ = try structuredAnswer(of: response)
    }

    /// The answer as JSON that satisfies `responseSchema`.
    func structuredAnswer(of response: ModelResponse) throws(ModelError) -> JSON {
        guard let (name, schema) = responseSchema else {
            throw ModelError(.invalidRequest, "the request asks for no structured answer")
        }
        switch response.finishReason {
        case "content_filter": throw ModelError(.refused, "the model declined to answer as \(name)")
        case "length": throw ModelError(.invalidAnswer, "the answer as \(name) was cut at its token limit")
        default: break
        }
        guard let answer = try? JSON(parsing: response.text ?? "") else {
            throw ModelError(.invalidAnswer, "the answer as \(name) is not JSON")
        }
        guard let schema = try? JSONSchema(schema) else {
            throw ModelError(.invalidRequest, "the response schema \(name) is not a JSON Schema")
        }
        let violations = schema.violations(of: answer, at: name)
        guard violations.isEmpty else {
            throw ModelError(
                .invalidAnswer, "the answer does not satisfy its schema: \(violations[0].place)",
                detail: violations.map(\.description).joined(separator: "; "))
        }
        return answer
    }
}

extension LanguageModel {
    /// Asks for an answer that satisfies `request.responseSchema` and returns it validated. An answer that does not is
    /// handed back to the model with what is wrong, at most `repairs` times, inside the request's time.
    public func structuredAnswer(to request: ModelRequest, repairs: Int = 1) async throws -> (JSON, ModelUsage) {
        let deadline = ContinuousClock.now + request.timeout
        var request = request
        var repairs = repairs
        while true {
            do {
                let response = try await respond(to: request)
                return (try request.structuredAnswer(of: response), response.usage)
            } catch let error as ModelError where error.code == .invalidAnswer && repairs > 0 {
                repairs -= 1
                request.timeout = deadline - .now
                guard request.timeout > .zero else { throw error }
                request.messages.append(
                    .user("Your answer was not valid: \(error.detail ?? error.message). Answer again, only as JSON."))
            }
        }
    }
}
