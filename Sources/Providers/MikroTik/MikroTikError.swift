import HTTP

/// Why a question has no answer.
public enum MikroTikError: Error, Sendable, Hashable, CustomStringConvertible {
    case timedOut
    /// Not reached, or the connection was lost; with the client's own words.
    case unreachable(String)
    /// A status other than 200.
    case refused(status: Int)
    /// An answer that is too large, or not of the API's shape; says in which way.
    case invalidAnswer(String)
    /// The API could not answer, and says so in words for the caller.
    case unanswered(String)
    case cancelled

    init(_ error: any Error) {
        guard let error = error as? HTTPError else {
            self = error is CancellationError ? .cancelled : .unreachable("\(type(of: error))")
            return
        }
        switch error.code {
        case .timeout: self = .timedOut
        case .responseTooLarge: self = .invalidAnswer("it is too large")
        case .cancelled: self = .cancelled
        default: self = .unreachable(error.description)
        }
    }

    public var description: String {
        switch self {
        case .timedOut: "the MikroTik API did not answer in time"
        case .unreachable(let reason): "the MikroTik API cannot be reached: \(reason)"
        case .refused(let status): "the MikroTik API answers with status \(status)"
        case .invalidAnswer(let reason): "the MikroTik API's answer cannot be used: \(reason)"
        case .unanswered: "the MikroTik API has no answer to the question"
        case .cancelled: "cancelled"
        }
    }
}
