public enum AgentError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Everything that is wrong.
    case invalidConfiguration([String])
    /// One message at a time: the agent is still answering another.
    case busy
    /// The run ended without an answer. The history is as it was before.
    case noAnswer(AgentStop)
    /// Agents called by tools of agents called by tools …
    case tooDeep(Int)

    public var description: String {
        switch self {
        case .invalidConfiguration(let problems): "agent configuration: \(problems.joined(separator: "; "))"
        case .busy: "the agent is still answering: send one message at a time"
        case .noAnswer(.modelFailed(let error)): "the agent has no answer: \(error)"
        case .noAnswer(let stop): "the agent has no answer: \(stop)"
        case .tooDeep(let depth): "agents are nested \(depth) deep, which is the limit"
        }
    }
}
