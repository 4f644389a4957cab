public import Platform

/// Executes what a model asked for. Whatever happens, each call gets a result that the model can act on: an unknown tool,
/// arguments that are not JSON or not in the schema, a tool that throws, hangs, or answers too much.
public struct ToolExecutor: Sendable {
    public struct Limits: Sendable, Hashable {
        /// Calls that run at the same time.
        public var maximumConcurrentCalls = 8
        /// Calls of one round; the rest is refused.
        public var maximumCalls = 16
        public var maximumArgumentBytes = 64 << 10
        public var maximumResultBytes = 32 << 10
        /// Executions of a retry-safe tool that throws, the first included.
        public var maximumAttempts = 3
        /// Before the second attempt; doubled for each further one.
        public var firstWait: Duration = .milliseconds(100)
        public init() {}
    }

    public let registry: ToolRegistry
    public var limits: Limits
    private let logger: Logger

    public init(registry: ToolRegistry, limits: Limits = Limits(), logger: Logger) {
        self.registry = registry
        self.limits = limits
        self.logger = logger
    }

    /// Executes the calls of one round, independent ones at the same time. The results are in the order of the calls.
    ///
    /// - Parameters:
    ///   - deadline: No call runs longer, whatever its own timeout.
    ///   - onEnd: Told of each call as it ends, in the order of their ends. What it throws is thrown, and cancels the rest.
    /// - Throws: What `onEnd` throws, and `CancellationError`.
    public func execute(
        _ calls: [ToolCall], until deadline: ContinuousClock.Instant? = nil,
        onEnd: @escaping @Sendable (ToolExecution) async throws -> Void = { _ in }
    ) async throws -> [ToolExecution] {
        let accepted = calls.prefix(limits.maximumCalls).indices
        let aside = accepted.filter { registry.get(calls[$0].name)?.isConcurrencySafe == false }
        // A lane is a list of calls that run one after another.
        let lanes = (aside.isEmpty ? [] : [aside]) + accepted.filter { !aside.contains($0) }.map { [$0] }
        var results = try await run(lanes: lanes) { index in
            let execution = try await execute(calls[index], until: deadline)
            try await onEnd(execution)
            return (index, execution)
        }
        for index in calls.indices.dropFirst(limits.maximumCalls) {
            let refusal = ToolResult.failure("too many calls at once: at most \(limits.maximumCalls)")
            results[index] = ToolExecution(call: calls[index], arguments: nil, result: refusal, attempts: 0)
        }
        return calls.indices.compactMap { results[$0] }
    }

    private func run(
        lanes: [[Int]], _ body: @escaping @Sendable (Int) async throws -> (Int, ToolExecution)
    ) async throws -> [Int: ToolExecution] {
        try await withThrowingTaskGroup(of: [(Int, ToolExecution)].self) { group in
            var results: [Int: ToolExecution] = [:]
            for (position, lane) in lanes.enumerated() {
                if position >= limits.maximumConcurrentCalls, let ended = try await group.next() {
                    results.merge(ended) { $1 }
                }
                group.addTask {
                    var ended: [(Int, ToolExecution)] = []
                    for index in lane { ended.append(try await body(index)) }
                    return ended
                }
            }
            for try await ended in group { results.merge(ended) { $1 } }
            return results
        }
    }

    /// One call, from its text to its result. Throws `CancellationError` alone.
    private func execute(_ call: ToolCall, until deadline: ContinuousClock.Instant?) async throws -> ToolExecution {
        let start = ContinuousClock.now
        var execution = ToolExecution(call: call, arguments: nil, result: .failure(""), attempts: 0)
        switch prepare(call) {
        case .refused(let arguments, let problem):
            execution.arguments = arguments
            execution.result = .failure(problem)
        case .ready(let tool, let arguments):
            execution.arguments = arguments
            let limit = min(tool.timeout, deadline.map { $0 - start } ?? tool.timeout)
            (execution.result, execution.attempts) = try await run(tool, arguments, within: limit)
            execution.result = bounded(execution.result)
            execution.endsConversation = tool.endsConversation && execution.result.success
        }
        execution.duration = .now - start
        log(execution)
        return execution
    }

    // MARK: before the tool

    private enum Preparation {
        case ready(any Tool, JSON)
        case refused(JSON?, String)
    }

    private func prepare(_ call: ToolCall) -> Preparation {
        guard call.arguments.utf8.count <= limits.maximumArgumentBytes else {
            return .refused(nil, "the arguments are too long")
        }
        // A model that calls a tool without parameters often writes nothing at all.
        let text = call.arguments.allSatisfy(\.isWhitespace) ? "{}" : call.arguments
        let arguments = try? JSON(parsing: text)
        guard let entry = registry.entry(call.name) else {
            let names = registry.descriptions.map(\.name).joined(separator: ", ")
            return .refused(arguments, "there is no tool named \(call.name.prefix(64)); there are: \(names)")
        }
        guard let arguments else { return .refused(nil, "the arguments are not valid JSON: write one JSON object") }
        let violations = entry.schema.violations(of: arguments, at: "arguments")
        guard violations.isEmpty else {
            return .refused(arguments, violations.map(\.description).joined(separator: "; "))
        }
        return .ready(entry.tool, arguments)
    }

    // MARK: the tool

    private func run(
        _ tool: any Tool, _ arguments: JSON, within limit: Duration
    ) async throws -> (ToolResult, attempts: Int) {
        let deadline = ContinuousClock.now + limit
        var attempts = 0
        while true {
            attempts += 1
            do {
                let result = try await withTimeLimit(deadline - .now) { try await tool.execute(arguments) }
                return (result, attempts)
            } catch {
                try Task.checkCancellation()
                let wait = limits.firstWait * (1 << min(attempts - 1, 10))
                guard attempts < limits.maximumAttempts, mayRetry(tool, error), .now + wait < deadline else {
                    return (failure(tool, error), attempts)
                }
                try await Task.sleep(for: wait)
            }
        }
    }

    private func mayRetry(_ tool: any Tool, _ error: any Error) -> Bool {
        tool.isRetrySafe && !(error is TimeLimitExceeded) && (error as? ToolError)?.isTransient ?? true
    }

    /// The model gets the words meant for it; the log gets the rest.
    private func failure(_ tool: any Tool, _ error: any Error) -> ToolResult {
        switch error {
        case let error as ToolError: return .failure(error.message)
        case is TimeLimitExceeded: return .failure("the tool did not answer in time; it may or may not have been done")
        default:
            logger.warning("tool failed", metadata: ["tool": tool.description.name, "error": "\(error)"])
            return .failure("the tool failed; do not tell the caller why, offer something else")
        }
    }

    // MARK: after the tool

    private func bounded(_ result: ToolResult) -> ToolResult {
        let text = result.value.text
        guard text.utf8.count > limits.maximumResultBytes else { return result }
        let beginning = String(decoding: text.utf8.prefix(limits.maximumResultBytes / 2), as: UTF8.self)
        return ToolResult(
            success: result.success,
            value: [
                "success": .bool(result.success), "truncated": true, "beginning": .string(beginning),
            ])
    }

    /// Arguments and results may hold personal data: the log has neither.
    private func log(_ execution: ToolExecution) {
        logger.debug(
            "tool executed",
            metadata: [
                "tool": String(execution.call.name.prefix(64)), "success": "\(execution.result.success)",
                "duration": "\(execution.duration)", "attempts": "\(execution.attempts)",
            ])
    }
}
