import Agents

extension AgentStop {
    /// What went wrong in a turn and what to do about it; nil when nothing did. It is for who set the agent up: the server's
    /// own words may be in it.
    func advice(_ model: ModelConfiguration) -> String? {
        switch self {
        case .answered, .ended: nil
        case .roundLimit, .repeatedCalls:
            "the model called tools over and over and did not answer: look at the instructions and the tools' answers"
        case .emptyAnswer: "the model answered with nothing, twice: try again, or another OPENAI_MODEL"
        case .outOfTime: "the model did not answer within the time of a turn: is \(model.baseURL) slow, or a tool?"
        case .modelFailed(let error):
            (["\(error)", Self.remedy(error, model)]
                + [error.detail.map { "the server says: \($0)" }]
                .compactMap { $0 }).joined(separator: ": ").printableLine
        }
    }

    private static func remedy(_ error: ModelError, _ model: ModelConfiguration) -> String {
        switch error.code {
        case .authentication: "set OPENAI_API_KEY to a key that may use \(model.name) at \(model.baseURL)"
        case .quotaExceeded: "the account of OPENAI_API_KEY has no credit left: add some, or set another key"
        case .rateLimited: "too many requests for this account: wait a minute, then say it again"
        case .invalidRequest:
            "look at OPENAI_MODEL (\(model.name)): does \(model.baseURL) have it, and does it know tools?"
        case .contextTooLong: "the conversation is longer than \(model.name) can read: start another chat"
        case .unavailable: "look at OPENAI_BASE_URL (\(model.baseURL)), and whether it is reached from here"
        case .timeout, .truncated: "say it again; when it stays so, look at \(model.baseURL)"
        case .invalidAnswer: "does \(model.baseURL) speak Chat Completions? Look at OPENAI_BASE_URL"
        case .refused: "the model declined to answer: look at the instructions"
        }
    }
}
