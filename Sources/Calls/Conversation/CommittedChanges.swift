import Agents
import Platform

/// What the meeting tools have committed in one turn, an attempt that died included.
struct CommittedChanges: Sendable {
    private struct Change: Sendable {
        var tool: String
        var result: JSON
    }

    private let changes: [Change]
    private static let tools: Set<String> = [
        BookMeetingTool.name, RescheduleMeetingTool.name, CancelMeetingTool.name,
    ]

    init(_ recorded: [TurnState.RecordedToolCall], _ run: AgentRun) {
        let before = recorded.filter(\.success).map { Change(tool: $0.name, result: $0.result) }
        let now = run.executions.filter(\.result.success).map { Change(tool: $0.call.name, result: $0.result.value) }
        changes = (before + now).filter { Self.tools.contains($0.tool) && $0.result["success"] == true }
    }

    /// Whether the caller has a meeting after them: then it may be spoken of.
    func leaveMeeting(of state: TurnState) -> Bool {
        var standing = Set(state.meetings.filter(\.isKept).compactMap(\.eventID))
        for change in changes {
            guard let id = change.result["meeting_id"]?.string else { continue }
            if change.tool == CancelMeetingTool.name { standing.remove(id) } else { standing.insert(id) }
        }
        return !standing.isEmpty
    }

    /// Whether a meeting of the caller was moved, now or before: then that may be spoken of.
    func haveMoved(in state: TurnState) -> Bool {
        changes.contains { $0.tool == RescheduleMeetingTool.name }
            || state.meetings.contains { $0.status == .confirmed && $0.sequence > 0 }
    }

    /// Whether one was cancelled.
    func haveCancelled(in state: TurnState) -> Bool {
        changes.contains { $0.tool == CancelMeetingTool.name } || state.meetings.contains { $0.status == .cancelled }
    }

    /// The latest in words, for when the model has none.
    var phrase: Phrase? {
        guard let last = changes.last, let when = last.result["meeting"]?["display"]?.string else { return nil }
        return last.tool == CancelMeetingTool.name ? .meetingCancelled(when: when) : .booked(when: when)
    }
}
