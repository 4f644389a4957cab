import Agents

/// What a turn that somebody watches, or replays, does otherwise than the turn of a telephone call.
struct TurnOptions: Sendable {
    /// Changes what was loaded before anything is decided by it.
    var prepare: @Sendable (inout TurnState) -> Void = { _ in }
    /// Told of everything that happens, as it happens. What it throws ends the turn.
    var observe: AgentLoop.Observer = { _ in }
    /// Whether the model's words are reported as they are written.
    var isStreaming = false
    /// Stands in for the tools that there are: gets each that the campaign allows.
    var replaceTool: @Sendable (any Tool) -> any Tool = { $0 }
    /// False leaves no trace in the tables, and finishes nothing that the tables say was begun.
    var isRecorded = true
}
