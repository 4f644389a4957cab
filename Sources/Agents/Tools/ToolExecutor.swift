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
    /// Keeps the results of tools that have a `cacheLifetime`; nil keeps none.
    public var cache: ToolResultCache?
    /// Of the log's line about the end of each call.
    public var endLevel = Logger.Level.debug
    /// What every line of the log carries too, such as the run.
    var logger: Logger

    public init(
        registry: ToolRegistry, limits: Limits = Limits(), cache: ToolResultCache? = nil, logger: Logger
    ) {
        self.registry = registry
        self.limits = limits
        self.cache = cache
        self.logger = logger
    }

    /// Executes the calls of one round, independent ones at the same time; one that may not run beside others runs when those
    /// before it have ended, and before those after it begin. The results are in the order of the calls.
    ///
    /// - Parameters:
    ///   - deadline: No call runs longer, whatever its own timeout.
    ///   - earlier: What the run has executed before: the same call again of a tool that is not repeatable gets that result.
    ///   - onEnd: Told of each call as it ends, in the order of their ends. What it throws is thrown, and cancels the rest.
    /// - Throws: What `onEnd` throws, and `CancellationError`.
    public func execute(
        _ calls: [ToolCall], until deadline: ContinuousClock.Instant? = nil, earlier: [ToolExecution] = [],
        onEnd: @escaping @Sendable (ToolExecution) async throws -> Void = { _ in }
    ) async throws -> [ToolExecution] {
        let requests = calls.prefix(limits.maximumCalls).map { ToolRequest($0, registry, limits) }
        let stored = StoredResults(earlier, isSharedInRound: requests.count > 1)
        var results: [Int: ToolExecution] = [:]
        var next = 0
        while next < requests.count {
            let stage = stage(of: requests, from: next)
            try await run(lanes: lanes(requests[stage]), into: &results) { index in
                let execution = try await execute(requests[index], until: deadline, stored)
                try await onEnd(execution)
                return execution
            }
            next = stage.upperBound
        }
        for index in calls.indices.dropFirst(limits.maximumCalls) {
            let refusal = ToolResult.failure("too many calls at once: at most \(limits.maximumCalls)")
            results[index] = ToolExecution(
                call: calls[index], arguments: nil, result: refusal, attempts: 0, origin: .refused)
        }
        return calls.indices.compactMap { results[$0] }
    }

    // MARK: order

    /// What runs at the same time: a call that may not run beside others alone, else all up to the next such call. So each of
    /// those finds done what the model wrote before it, and nothing begun of what it wrote after.
    private func stage(of requests: [ToolRequest], from start: Int) -> Range<Int> {
        guard requests[start].mayRunBesideOthers else { return start..<start + 1 }
        let end = requests[start...].firstIndex { !$0.mayRunBesideOthers }
        return start..<(end ?? requests.endIndex)
    }

    /// A lane is a list of calls that run one after another, since they are the same: the second finds the result of the first.
    private func lanes(_ requests: ArraySlice<ToolRequest>) -> [[Int]] {
        if requests.count == 1 { return [[requests.startIndex]] }
        var lanes: [[Int]] = []
        var laneOfKey: [ToolRequest.Key: Int] = [:]
        for (index, request) in zip(requests.indices, requests) {
            if let lane = request.key.flatMap({ laneOfKey[$0] }) {
                lanes[lane].append(index)
                continue
            }
            if let key = request.key { laneOfKey[key] = lanes.count }
            lanes.append([index])
        }
        return lanes
    }

    private func run(
        lanes: [[Int]], into results: inout [Int: ToolExecution],
        _ body: @escaping @Sendable (Int) async throws -> ToolExecution
    ) async throws {
        @Sendable func run(_ lane: [Int]) async throws -> [(Int, ToolExecution)] {
            var ended: [(Int, ToolExecution)] = []
            for index in lane { ended.append((index, try await body(index))) }
            return ended
        }
        // The most frequent round needs no task of its own.
        if lanes.count == 1 { return results.merge(try await run(lanes[0])) { $1 } }
        try await withThrowingTaskGroup(of: [(Int, ToolExecution)].self) { group in
            for (position, lane) in lanes.enumerated() {
                if position >= limits.maximumConcurrentCalls, let ended = try await group.next() {
                    results.merge(ended) { $1 }
                }
                group.addTask { try await run(lane) }
            }
            for try await ended in group { results.merge(ended) { $1 } }
        }
    }

    // MARK: one call

    /// From its text to its result. Throws `CancellationError` alone.
    private func execute(
        _ request: ToolRequest, until deadline: ContinuousClock.Instant?, _ stored: StoredResults
    ) async throws -> ToolExecution {
        let start = ContinuousClock.now
        logger.debug("tool call begun", metadata: ["tool": Self.shown(request.call)])
        var execution = ToolExecution(
            call: request.call, arguments: request.arguments, result: .failure(""), attempts: 0, origin: .refused)
        switch request.verdict {
        case .refused(let problem): execution.result = .failure(problem)
        case .ready(let tool, let arguments):
            if let result = stored.result(for: request) {
                (execution.result, execution.origin) = (result, .repeated)
            } else if let result = cache?.result(tool, arguments) {
                (execution.result, execution.origin) = (result, .cached)
            } else {
                let limit = min(tool.timeout, deadline.map { $0 - start } ?? tool.timeout)
                try await run(tool, arguments, within: limit, into: &execution)
            }
            stored.keep(execution.result, of: request)
            execution.endsConversation = tool.endsConversation && execution.result.success
        }
        execution.duration = .now - start
        log(execution)
        return execution
    }

    private func run(
        _ tool: any Tool, _ arguments: JSON, within limit: Duration, into execution: inout ToolExecution
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while true {
            execution.attempts += 1
            do {
                let result = try await withTimeLimit(deadline - .now) { try await tool.execute(arguments) }
                (execution.result, execution.origin) = (usable(result, of: tool), .executed)
                cache?.keep(execution.result, of: tool, arguments)
                return
            } catch {
                try Task.checkCancellation()
                let wait = limits.firstWait * (1 << min(execution.attempts - 1, 10))
                guard execution.attempts < limits.maximumAttempts, mayRetry(tool, error), .now + wait < deadline else {
                    let fallback = tool.fallback(for: arguments).map { usable($0, of: tool) }
                    execution.result = fallback ?? failure(tool, error)
                    execution.origin = fallback == nil ? .executed : .fallback
                    return
                }
                log(tool, error, attempt: execution.attempts)
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
        case let error as ToolError: return error.isUncertain ? .uncertain(error.message) : .failure(error.message)
        case is TimeLimitExceeded:
            let doubt =
                tool.isRetrySafe
                ? ": go on without it"
                : "; it may or may not have been done" + (tool.isRepeatable ? "" : ": do not call it again")
            return ToolResult(
                success: false,
                value: [
                    "success": false, "reason": ToolResult.timeout,
                    "error": .string("the tool did not answer in time\(doubt)"),
                ])
        default:
            logger.warning("tool failed", metadata: ["tool": tool.description.name, "error": "\(error)"])
            return .failure("the tool failed; do not tell the caller why, offer something else")
        }
    }

    // MARK: after the tool

    /// What a model can read and use: not a page for people, and no more than the limit.
    private func usable(_ result: ToolResult, of tool: any Tool) -> ToolResult {
        if WebPage.isIn(result.value) {
            let problem = "the tool answered with a web page instead of data: it is out of order, go on without it"
            return tool.isRetrySafe
                ? .failure(problem) : .uncertain("\(problem); it may or may not have been done: do not call it again")
        }
        let bytes = result.value.bytes
        guard bytes.count > limits.maximumResultBytes else { return result }
        let beginning = String(decoding: bytes.prefix(limits.maximumResultBytes / 2), as: UTF8.self)
        return ToolResult(
            success: result.success,
            value: [
                "success": .bool(result.success), "truncated": true, "beginning": .string(beginning),
            ])
    }

    // MARK: log

    /// Arguments and results may hold personal data: the log has neither.
    private func log(_ execution: ToolExecution) {
        logger.log(
            level: endLevel, "tool call ended",
            metadata: [
                "tool": Self.shown(execution.call), "success": "\(execution.result.success)",
                "origin": execution.origin.rawValue, "duration": "\(execution.duration)",
                "attempts": "\(execution.attempts)",
            ])
    }

    /// A model may write any name.
    private static func shown(_ call: ToolCall) -> String { String(call.name.prefix(64)) }

    private func log(_ tool: any Tool, _ error: any Error, attempt: Int) {
        logger.info(
            "tool failed and is tried again",
            metadata: [
                "tool": tool.description.name, "attempt": "\(attempt)",
                "error": error is ToolError ? "as the model is told" : "\(error)",
            ])
    }
}
