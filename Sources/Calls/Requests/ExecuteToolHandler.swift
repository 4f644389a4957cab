import Agents
public import Jobs
import Platform
import Postgres

/// Runs one tool the way that a turn does: with the campaign's tools and all checks, and a row of `tool_calls`. Whatever is wrong
/// with the request is a result that a model can act on.
///
/// The row is on the disk before the tool begins. An attempt that finds it does not know what the one before has done: it runs
/// only what finds that out by itself.
public struct ExecuteToolHandler: Sendable {
    private let services: CallServices

    public init(_ services: CallServices) { self.services = services }

    /// The job's result is a `ToolAnswer`. Throws when the database is away: it is then tried again.
    public func handle(_ job: ExecuteTool, context: JobContext) async throws -> JobOutcome {
        var services = services
        services.logger = context.logger
        if let callID = job.callID { services.logger[metadataKey: "call"] = "\(callID)" }
        let records = ToolCallRecords(services.postgres)
        let call = ToolCall(id: "job_\(context.id)", name: job.name, arguments: job.arguments.text)
        let state = try await state(of: job, context)
        let isFirst = try await records.begin(call, job.arguments, of: state?.call.id, job: context.id)
        let execution = try await execution(of: call, job, state, services, isFirst: isFirst)
        let answer = ToolAnswer(execution.result)
        if let action = answer.systemAction {
            services.logger.info("system action", metadata: ["tool": job.name, "system_action": action])
        }
        let end = ToolCallRecords.end(execution, job: context.id)
        try await context.complete(try JSON(encoding: answer), with: [end], on: services.postgres)
        return .completedInTransaction
    }

    private func state(of job: ExecuteTool, _ context: JobContext) async throws -> TurnState? {
        let records = TurnRecords(services)
        guard let callID = job.callID else { return try await records.outsideCalls(context) }
        return try await records.load(callID)
    }

    private func execution(
        of call: ToolCall, _ job: ExecuteTool, _ state: TurnState?, _ services: CallServices, isFirst: Bool
    ) async throws -> ToolExecution {
        func told(_ result: ToolResult) -> ToolExecution {
            ToolExecution(call: call, arguments: job.arguments, result: result, attempts: 0, origin: .refused)
        }
        let tools = try state.flatMap { $0.call.isFinal ? nil : try CallTools(services, $0).registry(TurnOptions()) }
        if !isFirst, tools?.get(call.name)?.isRepeatable != true { return told(.interrupted) }
        guard let tools else {
            return told(
                state == nil
                    ? MeetingTools.refusal("unknown_call", "there is no such call")
                    : MeetingTools.refusal("call_ended", "the call has ended"))
        }
        let execution = try await services.executor(tools).execute([call])[0]
        services.count(execution, tools)
        return execution
    }
}
