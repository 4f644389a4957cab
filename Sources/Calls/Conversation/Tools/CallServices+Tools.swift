import Agents
import Platform

/// How tools are run, whoever asks for it.
extension CallServices {
    /// Runs these tools, with a line of the log for each call.
    func executor(_ tools: ToolRegistry) -> ToolExecutor {
        var executor = ToolExecutor(registry: tools, cache: toolResults, logger: logger)
        executor.endLevel = .info
        return executor
    }

    /// Counts a call in the metrics.
    func count(_ execution: ToolExecution, _ tools: ToolRegistry) {
        let name = execution.call.name
        metrics.timer(
            "operadora_tool_call_seconds", help: "Time of tool calls, by tool and success",
            // A model may write any name: only those that there are become labels.
            [("tool", tools.get(name) == nil ? "unknown" : name), ("success", "\(execution.result.success)")]
        ).record(execution.duration)
    }
}
