public import Platform

extension ModelRequest {
    /// Throws when an answer is not what the request asked for; the error has the answer as `rejected`.
    func check(_ response: ModelResponse) throws(ModelError) {
        guard responseSchema != nil, response.toolCalls.isEmpty else { return }
        _ = try structuredAnswer(of: response)
    }

    /// The answer as JSON that satisfies `responseSchema`.
    func structuredAnswer(of response: ModelResponse) throws(ModelError) -> JSON {
        do {
            return try validated(response)
        } catch {
            var error = error
            error.rejected = response
            throw error
        }
    }

    private func validated(_ response: ModelResponse) throws(ModelError) -> JSON {
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

extension ModelError {
    /// What tells the model of its invalid answer; nil when the error is another.
    var correction: [Message]? {
        guard code == .invalidAnswer, let rejected else { return nil }
        let answer = rejected.text.map { [Message.assistant($0)] } ?? []
        return answer + [.user("Your answer was not valid: \(detail ?? message). Answer again, only as JSON.")]
    }
}

extension LanguageModel {
    /// Asks for an answer that satisfies `request.responseSchema` and returns it validated, with the tokens of all that was
    /// answered. An answer that does not is handed back to the model with what is wrong, at most `repairs` times, inside
    /// the request's time.
    public func structuredAnswer(to request: ModelRequest, repairs: Int = 1) async throws -> (JSON, ModelUsage) {
        let deadline = ContinuousClock.now + request.timeout
        var request = request
        var repairs = repairs
        var usage = ModelUsage()
        while true {
            do {
                let response = try await respond(to: request)
                return (try request.structuredAnswer(of: response), usage + response.usage)
            } catch let error as ModelError {
                request.timeout = deadline - .now
                guard repairs > 0, let correction = error.correction, request.timeout > .zero else { throw error }
                repairs -= 1
                usage += error.rejected?.usage ?? ModelUsage()
                request.messages += correction
            }
        }
    }

    /// As `structuredAnswer(to:)`, with the schema of a type and the answer as a value of it.
    public func answer<Answer: Decodable>(
        as type: Answer.Type, to request: ModelRequest, repairs: Int = 1
    ) async throws -> (Answer, ModelUsage) {
        var request = request
        request.responseSchema = ("answer", try JSONSchema(of: type, isStrict: true).root)
        let (answer, usage) = try await structuredAnswer(to: request, repairs: repairs)
        return (try answer.decode(), usage)
    }
}
