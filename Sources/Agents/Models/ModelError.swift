/// Why a model gave no answer. `description` is safe to log: it holds no key, no prompt and no answer.
public struct ModelError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The key is missing, wrong, or may not use this model.
        case authentication
        /// The account has no credit left: waiting does not help.
        case quotaExceeded
        case rateLimited
        /// The server refused the request as it stands: a wrong model name, schema or parameter.
        case invalidRequest
        /// The conversation is longer than the model can read.
        case contextTooLong
        /// The server failed or could not be reached.
        case unavailable
        /// No answer within the time given.
        case timeout
        /// The answer ended in the middle.
        case truncated
        /// The answer is not what the protocol, or the response schema, says.
        case invalidAnswer
        /// The model declined to answer, or a filter withheld its answer.
        case refused
    }

    public var code: Code
    public var message: String
    /// The HTTP status, when there was one.
    public var status: Int?
    /// How long the server asked to wait.
    public var retryAfter: Duration?
    /// The server's own words, for a person at a debugger. May quote the request: keep it out of logs.
    public var detail: String?

    /// The answer that is not what was asked for, where there was one: its tokens are spent, and it may be repaired.
    public var rejected: ModelResponse?

    public init(
        _ code: Code, _ message: String, status: Int? = nil, retryAfter: Duration? = nil, detail: String? = nil
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.retryAfter = retryAfter
        self.detail = detail
    }

    public var description: String {
        "language model: \(message)" + (status.map { " (HTTP \($0))" } ?? "")
    }

    /// Whether the same request may succeed when sent again.
    public var isTransient: Bool {
        switch code {
        case .rateLimited, .unavailable, .timeout, .truncated: true
        case .authentication, .quotaExceeded, .invalidRequest, .contextTooLong, .invalidAnswer, .refused: false
        }
    }
}
