/// How an agent behaves. Validated when it is given to an agent.
public struct AgentConfiguration: Sendable, Hashable {
    /// The system prompt.
    public var instructions = ""
    /// The name of the model to ask, where the server has several; nil is the one that the language model has.
    public var model: String?
    /// 0 … 2. Nil is the model's own default.
    public var temperature: Double?
    /// The most tokens of one answer. Nil is the model's own limit.
    public var maximumTokens: Int?
    public var limits = AgentLimits()
    public var toolLimits = ToolExecutor.Limits()
    /// The names of the tools that may be called; nil is all that are registered.
    public var tools: Set<String>?
    public var memory = MemoryStrategy.tokens(16_000)
    /// What is answered when there is no answer: the model failed, or was stopped. Nil throws `AgentError.noAnswer`.
    public var fallbackAnswer: String?
    /// How often an answer that must satisfy a schema and does not is handed back to the model.
    public var maximumRepairs = 1
    /// How deep agents may be nested: a tool may run an agent, whose tools may run agents …
    public var maximumDepth = 3
    /// For the account.
    public var prices = ModelPrices()
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

    /// Of the configuration, then of what each profile makes of it.
    var problems: [String] {
        let own = ownProblems
        let ofProfiles = profiles.sorted { $0.key < $1.key }.flatMap { name, changes in
            var changed = self
            changes.apply(to: &changed)
            return changed.ownProblems.filter { !own.contains($0) }.map { "profile \(name): \($0)" }
        }
        return own + ofProfiles
    }

    private var ownProblems: [String] {
        let rules: [(Bool, String)] = [
            (temperature.map { (0...2).contains($0) } ?? true, "temperature must be from 0 to 2"),
            (maximumTokens.map { $0 >= 1 } ?? true, "maximumTokens must be at least 1"),
            (model != "", "model must have a name"),
            ((1...100).contains(limits.maximumRounds), "limits.maximumRounds must be from 1 to 100"),
            (limits.maximumRepeats >= 1, "limits.maximumRepeats must be at least 1"),
            (limits.timeout > .zero, "limits.timeout must be positive"),
            (
                (1...64).contains(toolLimits.maximumConcurrentCalls),
                "toolLimits.maximumConcurrentCalls must be from 1 to 64"
            ),
            ((1...128).contains(toolLimits.maximumCalls), "toolLimits.maximumCalls must be from 1 to 128"),
            (toolLimits.maximumArgumentBytes >= 2, "toolLimits.maximumArgumentBytes must be at least 2"),
            (toolLimits.maximumResultBytes >= 256, "toolLimits.maximumResultBytes must be at least 256"),
            ((1...10).contains(toolLimits.maximumAttempts), "toolLimits.maximumAttempts must be from 1 to 10"),
            (toolLimits.firstWait >= .zero, "toolLimits.firstWait must not be negative"),
            (memory.limit.map { $0 >= 1 } ?? true, "memory must keep at least 1 message or token"),
            (fallbackAnswer != "", "fallbackAnswer must have words"),
            ((0...5).contains(maximumRepairs), "maximumRepairs must be from 0 to 5"),
            ((1...16).contains(maximumDepth), "maximumDepth must be from 1 to 16"),
        ]
        return rules.filter { !$0.0 }.map(\.1)
    }
}

/// Changes to a configuration, for one call or as a profile. Nil leaves a value as it is.
public struct AgentOverrides: Sendable, Hashable {
    public var instructions: String?
    public var model: String?
    public var temperature: Double?
    public var maximumTokens: Int?
    public var maximumRounds: Int?
    public var timeout: Duration?
    public var tools: Set<String>?
    public var memory: MemoryStrategy?
    public var fallbackAnswer: String?
    public init() {}

    func apply(to configuration: inout AgentConfiguration) {
        if let instructions { configuration.instructions = instructions }
        if let model { configuration.model = model }
        if let temperature { configuration.temperature = temperature }
        if let maximumTokens { configuration.maximumTokens = maximumTokens }
        if let maximumRounds { configuration.limits.maximumRounds = maximumRounds }
        if let timeout { configuration.limits.timeout = timeout }
        if let tools { configuration.tools = tools }
        if let memory { configuration.memory = memory }
        if let fallbackAnswer { configuration.fallbackAnswer = fallbackAnswer }
    }
}
