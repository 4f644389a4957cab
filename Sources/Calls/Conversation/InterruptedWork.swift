import Agents
import FoundationEssentials
import Platform

/// What a worker began with meetings of the caller and died over, before its tool call was recorded: found by the rows that
/// it left, and given as the calls that finish it. Doing them again changes nothing that is done.
struct InterruptedWork: Sendable {
    private let state: TurnState

    init(_ state: TurnState) { self.state = state }

    var calls: [ToolCall] {
        let booking = state.ownMeetings.first { $0.isStanding && !$0.isChanging }.flatMap(booking)
        return [booking].compactMap { $0 } + state.meetings.filter(\.isChanging).compactMap(change)
    }

    private func booking(_ meeting: Meeting) -> ToolCall? {
        let wasTold = state.toolCalls.contains { call in
            guard call.name == BookMeetingTool.name else { return false }
            return call.success
                ? call.result["meeting_id"]?.string == meeting.eventID
                : isUnconfirmed(call, at: meeting.startsAt)
        }
        guard !wasTold else { return nil }
        return call(
            "booking", meeting, BookMeetingTool.name,
            [
                "datetime": .string(time(meeting.startsAt)), "duration_minutes": minutes(meeting.time),
                "guest_email": .string(meeting.guestEmail ?? ""), "guest_name": .string(meeting.guestName ?? ""),
                "meeting_title": .string(meeting.title),
            ])
    }

    private func change(_ meeting: Meeting) -> ToolCall? {
        let name = meeting.isCancelRequested ? CancelMeetingTool.name : RescheduleMeetingTool.name
        let time = meeting.isCancelRequested ? meeting.time : meeting.newTime ?? meeting.time
        let wasTold = state.toolCalls.contains { call in
            call.name == name && call.result["meeting_id"]?.string == meeting.eventID
                && (isUnconfirmed(call, at: time.lowerBound) || call.result["reason"] == MeetingTools.elsewhere)
        }
        guard !wasTold, let id = meeting.eventID else { return nil }
        var arguments: [String: JSON] = ["meeting_id": .string(id)]
        if !meeting.isCancelRequested {
            arguments["datetime"] = .string(self.time(time.lowerBound))
            arguments["duration_minutes"] = minutes(time)
        }
        return call("change", meeting, name, arguments)
    }

    /// It stays open until reconciliation knows: the model was told so.
    private func isUnconfirmed(_ call: TurnState.RecordedToolCall, at start: Date) -> Bool {
        call.result["reason"] == "unconfirmed" && call.result["meeting"]?["datetime"]?.string == time(start)
    }

    private func call(_ kind: String, _ meeting: Meeting, _ name: String, _ arguments: [String: JSON]) -> ToolCall {
        ToolCall(id: "call_resumed_\(kind)_\(meeting.id)", name: name, arguments: JSON.object(arguments).text)
    }

    private func time(_ date: Date) -> String { state.call.zone.iso8601(date) }

    private func minutes(_ time: Range<Date>) -> JSON {
        .integer(Int64(time.upperBound.timeIntervalSince(time.lowerBound) / 60))
    }
}
