import Agents
public import Jobs
import Platform
import Postgres

/// Runs one tool the way that a turn does: with the campaign's tools and all checks, and a row of `tool_calls`. Whatever is wrong
/// with the request is a result that a model can act on.
public struct ExecuteToolHandler: Sendable {
    private let services: CallServices

    public init(_ services: CallServices) { self.services = services }

    /// The job's result is a `ToolAnswer`. Throws when the database is away: it is then tried again.
    public func handle(_ job: ExecuteTool, context: JobContext) async throws -> JobOutcome {
        var services = services
        services.logger = context.logger
        if let callID = job.callID { services.logger[metadataKey: "call"] = "\(callID)" }
        guard let state = try await state(of: job, context) else {
            return try refused(job, "unknown_call", "there is no such call")
        }
        guard !state.call.isFinal else { return try refused(job, "call_ended", "the call has ended") }
        let tools = try CallTools(services, state).registry(TurnOptions())
        let call = ToolCall(id: "job_\(context.id)", name: job.name, arguments: job.arguments.text)
        let execution = try await execution(of: call, tools, services, attempt: context.attempt)
        services.count(execution, tools)
        let answer = try ToolAnswer(execution.result, to: job)
        let record = ToolCallRecords.insertion(execution, of: job.callID, turnNumber: nil)
        // In a task of its own: this one is cancelled when the worker stops, and what was begun is told all the same.
        let end = Task { try await context.complete(try JSON(encoding: answer), with: [record], on: services.postgres) }
        try await end.value
        return .completedInTransaction
    }

    private func state(of job: ExecuteTool, _ context: JobContext) async throws -> TurnState? {
        let records = TurnRecords(services)
        guard let callID = job.callID else { return try await records.outsideCalls(requestID: context.id) }
        return try await records.load(callID)
    }

    /// What a worker that died or stopped may have done is not done again, unless the tool finds what it did.
    private func execution(
        of call: ToolCall, _ tools: ToolRegistry, _ services: CallServices, attempt: Int
    ) async throws -> ToolExecution {
        let isRepeatable = tools.get(call.name)?.isRepeatable ?? true
        do {
            // A job that is handed back by a worker that stops is as it was: this attempt is its first.
            if isRepeatable || attempt == 1 { return try await services.executor(tools).execute([call])[0] }
        } catch is CancellationError where !isRepeatable {}
        let doubt = ToolResult.uncertain(
            "the tool was interrupted; it may or may not have been done: do not call it again")
        return ToolExecution(call: call, arguments: try? JSON(parsing: call.arguments), result: doubt)
    }

    private func refused(_ job: ExecuteTool, _ reason: String, _ problem: String) throws -> JobOutcome {
        .completed(try JSON(encoding: ToolAnswer(MeetingTools.refusal(reason, problem), to: job)))
    }
}
