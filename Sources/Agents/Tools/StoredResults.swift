import Synchronization

/// What the same call again gets: of a tool that is not repeatable what the whole run had of it, of one that only reads
/// what this round had.
final class StoredResults: Sendable {
    private let ofRun: [ToolRequest.Key: ToolResult]
    private let ofRound = Mutex<[ToolRequest.Key: ToolResult]>([:])
    private let isSharedInRound: Bool

    /// - Parameter isSharedInRound: whether the round has several calls; a single one need not be compared with others.
    init(_ earlier: [ToolExecution], isSharedInRound: Bool) {
        self.isSharedInRound = isSharedInRound
        var results: [ToolRequest.Key: ToolResult] = [:]
        for execution in earlier {
            guard let arguments = execution.arguments, Self.settles(execution.result) else { continue }
            results[ToolRequest.Key(name: execution.call.name, arguments: arguments)] = execution.result
        }
        ofRun = results
    }

    func result(for request: ToolRequest) -> ToolResult? {
        guard let tool = request.tool, let key = request.key else { return nil }
        if !tool.isRepeatable, let result = ofRun[key] { return result }
        guard !tool.isRepeatable || tool.isRetrySafe else { return nil }
        return ofRound.withLock { $0[key] }
    }

    func keep(_ result: ToolResult, of request: ToolRequest) {
        guard isSharedInRound, Self.settles(result), let key = request.key else { return }
        ofRound.withLock { $0[key] = result }
    }

    /// Done, or nobody knows; what failed may be tried again.
    private static func settles(_ result: ToolResult) -> Bool { result.success || result.isUncertain }
}
