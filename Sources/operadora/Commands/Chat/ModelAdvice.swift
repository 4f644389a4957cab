import Agents
import Platform

extension AgentStop {
    /// What went wrong in a turn and what to do about it; nil when nothing did. It is for who set the agent up: the server's
    /// own words may be in it.
    func advice(_ model: ModelConfiguration) -> String? {
        switch self {
        case .answered, .ended: nil
        case .roundLimit, .repeatedCalls:
            "the model called tools over and over and did not answer: look at the instructions and the tools' answers"
        case .emptyAnswer: "the model answered with nothing, twice: try again, or another \(model.words.modelVariable)"
        case .outOfTime: "the model did not answer within the time of a turn: is \(model.words.url) slow, or a tool?"
        case .modelFailed(let error):
            (["\(error)", model.words.remedy(error)]
                + [error.detail.map { "the server says: \($0)" }]
                .compactMap { $0 }).joined(separator: ": ").printableLine
        }
    }
}

extension ModelConfiguration {
    fileprivate var words: ModelWords { ModelWords(model: self) }
}

/// What to set for the model that failed last: the fallback where there is one. With BAML the model's address, key and name are in
/// the environment of `baml-cli serve`, and ours has the way to that server.
private struct ModelWords {
    let model: ModelConfiguration

    private var isBAML: Bool { model.kind == .baml && model.fallback == nil }
    private var prefix: String { model.fallback == nil ? "OPENAI_" : "OPENAI_FALLBACK_" }
    /// Of the server that we ask.
    var url: String { isBAML ? model.bamlURL : model.fallback?.baseURL ?? model.baseURL }
    private var urlVariable: String { isBAML ? "BAML_URL" : "\(prefix)BASE_URL" }
    private var name: String { isBAML ? "the model" : model.fallback?.name ?? model.name }
    var modelVariable: String { isBAML ? "OPENAI_MODEL for baml-cli serve" : "\(prefix)MODEL" }

    func remedy(_ error: ModelError) -> String {
        switch error.code {
        case .authentication:
            isBAML
                ? "set BAML_PASSWORD to the password of \(url), and for baml-cli serve OPENAI_API_KEY to a key of the model"
                : "set \(prefix)API_KEY to a key that may use \(name) at \(url)"
        case .quotaExceeded:
            "the account of \(prefix)API_KEY\(isBAML ? " of baml-cli serve" : "") has no credit left: add some, or set another key"
        case .rateLimited: "too many requests for this account: wait a minute, then say it again"
        case .invalidRequest where isBAML:
            "look at BAML_URL (\(url)): is it baml-cli serve, with this release's baml_src and its OPENAI_ variables?"
        case .invalidRequest:
            // 404 is the answer to a model and to a path that the server does not have.
            "look at \(modelVariable) (\(name)): does \(url) have it, and does it know tools?"
                + (error.status == 404
                    ? " And at \(urlVariable): does its path end in /v1, or as the server says?" : "")
        case .contextTooLong: "the conversation is longer than \(name) can read: start another chat"
        case .unavailable:
            "look at \(urlVariable) (\(url)), and whether it is reached from here"
                + (isBAML ? "; does baml-cli serve reach its OPENAI_BASE_URL?" : "")
        case .timeout, .truncated: "say it again; when it stays so, look at \(url)"
        case .invalidAnswer:
            isBAML
                ? "look at baml_src/, and whether the model is good enough for it"
                : "does \(url) speak Chat Completions? Look at \(urlVariable)"
        case .refused: "the model declined to answer: look at the instructions"
        }
    }
}
