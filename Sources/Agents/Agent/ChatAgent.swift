public import Platform

/// An agent that remembers its conversation: instructions, a model, tools and a memory.
///
/// One message at a time: a second `send` while the first is being answered throws `AgentError.busy`.
///
///     let agent = try ChatAgent(model: model, AgentConfiguration(instructions: "You are brief."), logger: logger)
///     try await agent.registerTool(weather)
///     print(try await agent.send("Will it rain in Lisbon?"))
public actor ChatAgent {
    /// How many agents are at work above this task, through tools that run agents.
    @TaskLocal private static var depth = 0

    public private(set) var configuration: AgentConfiguration
    /// Facts about this conversation that the model is told beside the instructions.
    public private(set) var context: [String: JSON] = [:]
    private let model: any LanguageModel
    private let tools: ToolRegistry
    private let logger: Logger
    private var memory: Memory
    private var isAnswering = false

    /// Throws `AgentError.invalidConfiguration`.
    public init(
        model: any LanguageModel, _ configuration: AgentConfiguration = AgentConfiguration(),
        tools: ToolRegistry = ToolRegistry(), logger: Logger
    ) throws {
        self.configuration = try configuration.applying()
        self.model = model
        self.tools = tools
        self.logger = logger
        self.memory = Memory(strategy: configuration.memory)
    }

    /// Answers a message, tools included, and remembers both.
    ///
    /// Throws `AgentError`, or `CancellationError`; the history is then as it was before.
    @discardableResult
    public func send(
        _ message: String, profile: String? = nil, overrides: AgentOverrides? = nil
    ) async throws -> String {
        let configuration = try configuration.applying(profile: profile, overrides)
        return try await answer(message, configuration, isStreaming: false) { _ in }.text ?? ""
    }

    /// As `send`, told as it happens; `.finished` comes last. Dropping the stream ends the run.
    public nonisolated func stream(
        _ message: String, profile: String? = nil, overrides: AgentOverrides? = nil
    ) -> AsyncThrowingStream<AgentEvent, any Error> {
        // One answer is bounded by the model's and the tools' limits, and so is this buffer.
        AsyncThrowingStream(bufferingPolicy: .unbounded) { continuation in
            let task = Task {
                do {
                    try await self.stream(message, profile, overrides) { continuation.yield($0) }
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func stream(
        _ message: String, _ profile: String?, _ overrides: AgentOverrides?,
        yield: @escaping @Sendable (AgentEvent) -> Void
    ) async throws {
        let configuration = try configuration.applying(profile: profile, overrides)
        _ = try await answer(message, configuration, isStreaming: true) { yield($0) }
    }

    /// Executes a tool as the model would: validated, within its time, with a result even on error. Not remembered.
    public func executeTool(_ name: String, _ arguments: JSON = [:]) async throws -> ToolResult {
        let call = ToolCall(id: "call_0", name: name, arguments: arguments.text)
        return try await ToolExecutor(registry: tools, logger: logger).execute([call])[0].result
    }

    public func registerTool(_ tool: any Tool) throws { try tools.register(tool) }

    /// Throws `AgentError.invalidConfiguration` and leaves the old one in place.
    public func configure(_ change: (inout AgentConfiguration) -> Void) throws {
        var changed = configuration
        change(&changed)
        configuration = try changed.applying()
        memory.strategy = configuration.memory
    }

    /// Everything remembered, tool calls and results included.
    public var history: [Message] { memory.messages }

    /// Nil forgets the fact.
    public func setContext(_ key: String, _ value: JSON?) { context[key] = value }

    /// Forgets the conversation and its facts; configuration and tools stay.
    public func reset() {
        memory.clear()
        context.removeAll()
    }

    // MARK: -

    private func answer(
        _ message: String, _ configuration: AgentConfiguration, isStreaming: Bool,
        _ observe: @escaping AgentLoop.Observer
    ) async throws -> AgentRun {
        guard !isAnswering else { throw AgentError.busy }
        guard Self.depth < configuration.maximumDepth else { throw AgentError.tooDeep(Self.depth) }
        isAnswering = true
        defer { isAnswering = false }
        let conversation = conversation(with: message, configuration)
        let loop = loop(configuration, isStreaming: isStreaming)
        let run = try await Self.$depth.withValue(Self.depth + 1) {
            try await loop.run(conversation) { event in
                // A run without an answer is reported by throwing.
                if case .finished(let run) = event, !run.isComplete { throw AgentError.noAnswer(run.stop) }
                try await observe(event)
            }
        }
        memory.append(contentsOf: [.user(message)] + run.messages)
        return run
    }

    private func loop(_ configuration: AgentConfiguration, isStreaming: Bool) -> AgentLoop {
        let executor = ToolExecutor(registry: tools, logger: logger)
        var loop = AgentLoop(model: model, executor: executor, limits: configuration.limits, logger: logger)
        loop.temperature = configuration.temperature
        loop.maximumTokens = configuration.maximumTokens
        loop.isStreaming = isStreaming
        return loop
    }

    private func conversation(with message: String, _ configuration: AgentConfiguration) -> [Message] {
        var memory = memory
        memory.strategy = configuration.memory
        memory.append(.user(message))
        var prompt = configuration.instructions
        if !context.isEmpty { prompt += "\n\nContext: \(JSON.object(context).text)" }
        return (prompt.isEmpty ? [] : [.system(prompt)]) + memory.window
    }
}
