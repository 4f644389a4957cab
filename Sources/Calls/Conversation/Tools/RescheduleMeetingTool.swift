import Agents
import FoundationEssentials
import Platform

/// `reschedule_meeting`: moves a meeting of the caller to another time, and says what is committed and nothing else.
struct RescheduleMeetingTool: Tool {
    static let name = "reschedule_meeting"

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
                "Moves a meeting that the caller has to another time that they have agreed to\(meetings.tellsGuest). Only what it "
                + "answers with success is moved.",
            parameters: Self.parameters)
    }

    private static let parameters: JSON = [
        "type": "object",
        "properties": [
            "datetime": MeetingTools.datetimeSchema,
            "duration_minutes": [
                "type": "integer", "minimum": 15, "maximum": 240,
                "description": "Length in minutes; as before unless given",
            ],
            "meeting_id": MeetingTools.meetingIDSchema,
        ],
        "required": ["datetime"],
        "additionalProperties": false,
    ]

    func execute(_ arguments: JSON) async throws -> ToolResult {
        do {
            let meeting = try await meetings.chosenMeeting(arguments["meeting_id"]?.string)
            let before = Int(meeting.endsAt.timeIntervalSince(meeting.startsAt) / 60)
            let duration = Int(arguments["duration_minutes"]?.integer ?? Int64(before))
            let finder = meetings.finder(duration: duration)
            let start = try await meetings.start(of: arguments["datetime"]?.string ?? "", finder)
            return try await move(meeting, to: start..<start.addingTimeInterval(Double(duration * 60)), finder)
        } catch let refusal as Refusal {
            return refusal.result
        }
    }

    private func move(_ meeting: Meeting, to slot: Range<Date>, _ finder: SlotFinder) async throws -> ToolResult {
        // The same again, also after a crash, gets what it got.
        if meeting.time == slot, !meeting.isChanging { return success(meeting) }
        // What it is being moved to already is held for it.
        if meeting.newTime != slot { try await meetings.checkFree(slot, finder, for: meeting) }
        return switch try await meetings.changer.move(meeting, to: slot) {
        case .done(let moved): success(moved)
        case .taken: await meetings.taken(slot, finder)
        case .gone:
            MeetingTools.refusal(
                "no_meeting", "that meeting does not stand any more, so it was not moved: offer to book a new one")
        case .elsewhere: MeetingTools.elsewhere(meeting)
        case .refused:
            await meetings.refusal(
                "refused", "the calendar did not move the meeting: it stays where it was", after: slot.lowerBound,
                finder)
        case .unknown(let meeting): unconfirmed(meeting, slot)
        }
    }

    private func success(_ meeting: Meeting) -> ToolResult {
        meetings.success(meeting, "Successfully moved meeting for \(meeting.guestName ?? "the guest")")
    }

    private func unconfirmed(_ meeting: Meeting, _ slot: Range<Date>) -> ToolResult {
        let problem =
            meeting.isCancelRequested
            ? "the meeting is being cancelled: do not say that it was moved"
            : "the calendar has not confirmed the new time: do not say that the meeting was moved and do not try again; "
                + "say that \(meetings.confirmation) if it could be moved"
        return meetings.unconfirmed(meeting, at: meeting.newTime ?? slot, problem)
    }
}
