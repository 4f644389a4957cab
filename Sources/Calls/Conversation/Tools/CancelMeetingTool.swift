import Agents
import FoundationEssentials
import Platform

/// `cancel_meeting`: cancels a meeting of the caller, and says what is committed and nothing else.
struct CancelMeetingTool: Tool {
    static let name = "cancel_meeting"

    let meetings: MeetingTools
    let timeout: Duration = .seconds(20)
    /// After a booking of the same round.
    let isConcurrencySafe = false
    /// The meeting's row knows what was done, also when the answer was lost.
    let isRepeatable = true

    var description: ToolDescription {
        return ToolDescription(
            name: Self.name,
            description:
                "Cancels a meeting that the caller has and does not want any more\(meetings.tellsGuest). For another time use "
                + "\(RescheduleMeetingTool.name) instead.",
            parameters: [
                "type": "object", "properties": ["meeting_id": MeetingTools.meetingIDSchema],
                "additionalProperties": false,
            ])
    }

    func execute(_ arguments: JSON) async throws -> ToolResult {
        do {
            let id = arguments["meeting_id"]?.string
            let meeting = try await meetings.chosenMeeting(id, includingCancelled: true)
            if meeting.status == .cancelled { return success(meeting) }
            return try await cancel(meeting)
        } catch let refusal as Refusal {
            return refusal.result
        }
    }

    private func cancel(_ meeting: Meeting) async throws -> ToolResult {
        switch try await meetings.changer.cancel(
            meeting, reason: meetings.state.call.id.map { "cancelled in call \($0)" } ?? "cancelled on request")
        {
        case .done(let cancelled): success(cancelled)
        case .taken, .gone, .refused:
            MeetingTools.refusal("no_meeting", "that meeting does not stand any more")
        case .elsewhere: MeetingTools.elsewhere(meeting)
        case .unknown(let meeting):
            meetings.unconfirmed(
                meeting, at: meeting.time,
                "the calendar has not confirmed the cancellation: do not say that the meeting is cancelled and do not try "
                    + "again; say that it was noted and that \(meetings.confirmation)")
        }
    }

    private func success(_ meeting: Meeting) -> ToolResult {
        meetings.success(meeting, "Successfully cancelled meeting for \(meeting.guestName ?? "the guest")")
    }
}
