public import Platform
import Synchronization

/// An agent that remembers its conversation: instructions, a model, tools and a memory.
///
/// One message at a time: a second `send` while the first is being answered throws `AgentError.busy`. Cancelling the task that
/// sends, or dropping the stream, ends the run with its tools.
///
///     let agent = try ChatAgent(model: model, AgentConfiguration(instructions: "You are brief."), logger: logger)
///     try await agent.registerTool(weather)
///     print(try await agent.send("Will it rain in Lisbon?"))
public actor ChatAgent {
    /// How many agents are at work above this task, through tools that run agents.
    @TaskLocal private static var depth = 0

    public private(set) var configuration: AgentConfiguration
    /// What it has used up, resets and failed runs included.
    public private(set) var account = AgentAccount()
    private let model: any LanguageModel
    private let tools: ToolRegistry
    private let cache: ToolResultCache
    private let logger: Logger
    private var memory: Memory
    private var isAnswering = false
    /// Counts the resets: a run that outlives one leaves nothing behind.
    private var generation = 0
    /// What tools did for messages that got no answer: the same calls are not done again for the next one.
    private var unanswered: [ToolExecution] = []

    /// - Parameters:
    ///   - cache: share one among agents whose tools may answer each other.
    ///   - history: of a conversation that goes on, as `history` gave it.
    ///
    /// Throws `AgentError.invalidConfiguration`.
    public init(
        model: any LanguageModel, _ configuration: AgentConfiguration = AgentConfiguration(),
        tools: ToolRegistry = ToolRegistry(), cache: ToolResultCache = ToolResultCache(), history: [Message] = [],
        logger: Logger
    ) throws {
        self.configuration = try configuration.applying()
        self.model = model
        self.tools = tools
        self.cache = cache
        self.logger = logger
        memory = Memory(strategy: configuration.memory)
        memory.append(contentsOf: history)
    }

    // MARK: messages

    /// Answers a message, tools included, and remembers both.
    ///
    /// Throws `AgentError`, or `CancellationError`; the history is then as it was before.
    @discardableResult
    public func send(
        _ message: String, profile: String? = nil, overrides: AgentOverrides? = nil
    ) async throws -> String {
        let configuration = try configuration.applying(profile: profile, overrides)
        return try await answer(message, loop(configuration), configuration) { _ in }.text ?? ""
    }

    /// As `send`, with an answer that satisfies the schema of `type`; see `JSONSchema.init(of:isStrict:)`. There is no
    /// fallback answer.
    public func send<Answer: Decodable & Sendable>(
        _ message: String, as type: Answer.Type, profile: String? = nil, overrides: AgentOverrides? = nil
    ) async throws -> Answer {
        let schema = try JSONSchema(of: type, isStrict: true)
        return try await send(message, schema: schema.root, profile: profile, overrides: overrides).decode()
    }

    /// As `send`, with an answer that satisfies a JSON Schema. There is no fallback answer.
    public func send(
        _ message: String, schema: JSON, profile: String? = nil, overrides: AgentOverrides? = nil
    ) async throws -> JSON {
        var configuration = try configuration.applying(profile: profile, overrides)
        configuration.fallbackAnswer = nil
        var loop = try loop(configuration)
        loop.responseSchema = ("answer", schema)
        let run = try await answer(message, loop, configuration) { _ in }
        guard let text = run.text, let answer = try? JSON(parsing: text) else {
            throw AgentError.noAnswer(run.stop)
        }
        return answer
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
        var loop = try loop(configuration)
        loop.isStreaming = true
        _ = try await answer(message, loop, configuration) { yield($0) }
    }

    // MARK: tools and settings

    /// Executes a tool as the model would: validated, within its time, with a result even on error. Not remembered.
    public func executeTool(_ name: String, _ arguments: JSON = [:]) async throws -> ToolResult {
        let call = ToolCall(id: "call_0", name: name, arguments: arguments.text)
        return try await executor(configuration).execute([call])[0].result
    }

    public func registerTool(_ tool: any Tool) throws { try tools.register(tool) }

    /// Throws `AgentError.invalidConfiguration` and leaves the old one in place.
    public func configure(_ change: (inout AgentConfiguration) -> Void) throws {
        var changed = configuration
        change(&changed)
        configuration = try changed.applying()
        memory.strategy = configuration.memory
    }

    // MARK: what is remembered

    /// Everything remembered, tool calls and results included.
    public var history: [Message] { memory.messages }

    /// Facts of this conversation that the model is told beside the instructions, however long it gets.
    public var context: [String: JSON] { memory.facts }

    /// What the oldest messages came to, with the memory strategy `.summary`.
    public var summary: String? { memory.summary }

    /// Nil forgets the fact.
    public func setContext(_ key: String, _ value: JSON?) { memory.facts[key] = value }

    /// Forgets the conversation and its facts; configuration, tools and account stay.
    public func reset() {
        memory.clear()
        unanswered.removeAll()
        generation += 1
    }

    // MARK: - one answer

    private func answer(
        _ message: String, _ loop: AgentLoop, _ configuration: AgentConfiguration,
        _ observe: @escaping AgentLoop.Observer
    ) async throws -> AgentRun {
        guard !isAnswering else { throw AgentError.busy }
        guard Self.depth < configuration.maximumDepth else { throw AgentError.tooDeep(Self.depth) }
        isAnswering = true
        defer { isAnswering = false }
        let generation = generation
        let summing = try await sumUp(configuration)
        var run = try await run(loop, conversation(with: message, configuration), observe)
        run.add(summing)
        account.add(run)
        if loop.responseSchema != nil, run.stop != .answered { throw AgentError.noAnswer(run.stop) }
        if !run.isComplete {
            guard let words = configuration.fallbackAnswer else { throw AgentError.noAnswer(run.stop) }
            (run.text, run.isFallback) = (words, true)
            run.messages.append(.assistant(words))
            if loop.isStreaming { try await observe(.text(words)) }
        }
        if generation == self.generation {
            unanswered.removeAll()
            memory.append(contentsOf: [.user(message)] + run.messages)
        }
        try await observe(.finished(run))
        return run
    }

    /// Keeps what was executed until the run is in the history.
    private func run(
        _ loop: AgentLoop, _ conversation: [Message], _ observe: @escaping AgentLoop.Observer
    ) async throws -> AgentRun {
        let ended = Mutex<[ToolExecution]>([])
        let (generation, earlier) = (generation, unanswered)
        defer {
            if generation == self.generation { unanswered = (unanswered + ended.withLock { $0 }).suffix(100) }
        }
        return try await Self.$depth.withValue(Self.depth + 1) {
            try await loop.run(conversation, earlier: earlier) { event in
                if case .toolEnded(let execution) = event { ended.withLock { $0.append(execution) } }
                // The end is told once it is remembered.
                if case .finished = event { return }
                try await observe(event)
            }
        }
    }

    private func executor(_ configuration: AgentConfiguration) throws -> ToolExecutor {
        let allowed = try tools.only(configuration.tools)
        return ToolExecutor(registry: allowed, limits: configuration.toolLimits, cache: cache, logger: logger)
    }

    private func loop(_ configuration: AgentConfiguration) throws -> AgentLoop {
        var loop = AgentLoop(
            model: model, executor: try executor(configuration), limits: configuration.limits, logger: logger)
        loop.modelName = configuration.model
        loop.temperature = configuration.temperature
        loop.maximumTokens = configuration.maximumTokens
        loop.maximumRepairs = configuration.maximumRepairs
        loop.prices = configuration.prices
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

    /// Has the model sum up what no longer fits. When it cannot, the window alone decides what is shown.
    private func sumUp(_ configuration: AgentConfiguration) async throws -> AgentRun {
        var account = AgentRun(stop: .answered)
        var memory = memory
        memory.strategy = configuration.memory
        let older = memory.overflow
        guard !older.isEmpty else { return account }
        let generation = generation
        let start = ContinuousClock.now
        account.modelCalls = 1
        defer { account.modelTime = .now - start }
        do {
            var request = ConversationSummary(messages: older, earlier: memory.summary)
                .request(timeout: min(configuration.limits.timeout / 2, .seconds(20)))
            request.model = configuration.model
            let response = try await model.respond(to: request)
            account.count(response, asked: configuration.model, configuration.prices)
            if generation == self.generation, let text = response.text, !response.isEmpty {
                self.memory.summarize(older.count, as: text)
            }
            logger.debug("conversation summarized", metadata: ["messages": "\(older.count)"])
        } catch let error as ModelError {
            logger.warning("conversation not summarized", metadata: ["code": error.code.rawValue, "error": "\(error)"])
        }
        return account
    }
}

extension AgentRun {
    /// Takes what another one used up.
    fileprivate mutating func add(_ other: AgentRun) {
        usage += other.usage
        cost = cost.flatMap { cost in other.cost.map { cost + $0 } }
        modelCalls += other.modelCalls
        modelTime += other.modelTime
    }
}
