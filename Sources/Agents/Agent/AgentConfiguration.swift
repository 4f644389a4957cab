/// How an agent behaves. Validated when it is given to an agent.
public struct AgentConfiguration: Sendable, Hashable {
    /// The system prompt.
    public var instructions = ""
    /// 0 … 2. Nil is the model's own default.
    public var temperature: Double?
    public var maximumTokens: Int?
    public var limits = AgentLimits()
    public var memory = MemoryStrategy.tokens(16_000)
    /// How deep agents may be nested: a tool may run an agent, whose tools may run an agent …
    public var maximumDepth = 3
    /// Named sets of changes, chosen by name in a call.
    public var profiles: [String: AgentOverrides] = [:]

    public init(instructions: String = "") { self.instructions = instructions }

    /// This configuration with a profile's changes, then the call's own.
    ///
    /// Throws `AgentError.invalidConfiguration` with everything that is wrong.
    public func applying(profile: String? = nil, _ overrides: AgentOverrides? = nil) throws -> AgentConfiguration {
        var result = self
        if let profile {
            guard let changes = profiles[profile] else {
                throw AgentError.invalidConfiguration(["there is no profile named \(profile)"])
            }
            changes.apply(to: &result)
        }
        overrides?.apply(to: &result)
        let problems = result.problems
        guard problems.isEmpty else { throw AgentError.invalidConfiguration(problems) }
        return result
    }

    var problems: [String] {
        var problems: [String] = []
        if let temperature, !(0...2).contains(temperature) { problems.append("temperature must be from 0 to 2") }
        if let maximumTokens, maximumTokens < 1 { problems.append("maximumTokens must be at least 1") }
        if !(1...100).contains(limits.maximumRounds) { problems.append("limits.maximumRounds must be from 1 to 100") }
        if limits.maximumRepeats < 1 { problems.append("limits.maximumRepeats must be at least 1") }
        if limits.timeout <= .zero { problems.append("limits.timeout must be positive") }
        if !(1...16).contains(maximumDepth) { problems.append("maximumDepth must be from 1 to 16") }
        switch memory {
        case .all: break
        case .lastMessages(let count) where count < 1: problems.append("memory must keep at least 1 message")
        case .tokens(let count) where count < 1: problems.append("memory must keep at least 1 token")
        case .lastMessages, .tokens: break
        }
        return problems
    }
}

/// Changes to a configuration, for one call or as a profile. Nil leaves a value as it is.
public struct AgentOverrides: Sendable, Hashable {
    public var instructions: String?
    public var temperature: Double?
    public var maximumTokens: Int?
    public var maximumRounds: Int?
    public var timeout: Duration?
    public var memory: MemoryStrategy?
    public init() {}

    func apply(to configuration: inout AgentConfiguration) {
        if let instructions { configuration.instructions = instructions }
        if let temperature { configuration.temperature = temperature }
        if let maximumTokens { configuration.maximumTokens = maximumTokens }
        if let maximumRounds { configuration.limits.maximumRounds = maximumRounds }
        if let timeout { configuration.limits.timeout = timeout }
        if let memory { configuration.memory = memory }
    }
}

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
