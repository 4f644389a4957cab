import Agents
import FoundationEssentials
import Platform

/// `book_meeting`: reserves, books, and says what is committed and nothing else.
struct BookMeetingTool: Tool {
    static let name = "book_meeting"

    let meetings: MeetingTools
    let timeout: Duration = .seconds(20)
    /// Two bookings of one round are made one after another, so that the second finds the first.
    let isConcurrencySafe = false
    /// The meeting's row knows what was booked, also when the answer was lost.
    let isRepeatable = true

    var description: ToolDescription {
        let invites =
            meetings.services.invitation == .none
            ? ". Nobody is sent an invitation: never say that one is." : " and invites them by e-mail."
        return ToolDescription(
            name: Self.name,
            description:
                "Books a meeting that the caller has agreed to\(invites) Only what it answers with success is booked.",
            parameters: Self.parameters)
    }

    private static let parameters: JSON = [
        "type": "object",
        "properties": [
            "datetime": MeetingTools.datetimeSchema,
            "duration_minutes": MeetingTools.durationSchema,
            "guest_email": SpokenEmail.schema,
            "guest_name": [
                "type": "string", "minLength": 1, "maxLength": 200, "description": "The guest's full name",
            ],
            "meeting_title": [
                "type": "string", "minLength": 1, "maxLength": 200,
                "description": "Subject; Sales Meeting unless given",
            ],
        ],
        "required": ["datetime", "guest_email", "guest_name"],
        "additionalProperties": false,
    ]

    func execute(_ arguments: JSON) async throws -> ToolResult {
        do {
            let duration = Int(arguments["duration_minutes"]?.integer ?? 30)
            let finder = meetings.finder(duration: duration)
            let start = try await meetings.start(of: arguments["datetime"]?.string ?? "", finder)
            guard let email = SpokenEmail.address(arguments["guest_email"]?.string ?? "") else {
                return SpokenEmail.refusal("guest_email")
            }
            return try await book(
                BookingRequest(
                    callID: meetings.state.call.id, eventKey: meetings.requestedEventKey,
                    leadID: meetings.state.lead?.id,
                    title: CallerSpeech.clean(arguments["meeting_title"]?.string ?? "Sales Meeting"),
                    guestName: CallerSpeech.clean(arguments["guest_name"]?.string ?? ""), guestEmail: email,
                    startsAt: start, endsAt: start.addingTimeInterval(Double(duration * 60)),
                    language: meetings.state.call.language, zone: meetings.zone),
                finder)
        } catch let refusal as Refusal {
            return refusal.result
        }
    }

    private func book(_ request: BookingRequest, _ finder: SlotFinder) async throws -> ToolResult {
        let slot = request.startsAt..<request.endsAt
        // A meeting of this call is found before anything is looked at: it would stand in its own way.
        if try await !hasMeeting(request) {
            do {
                try await meetings.checkFree(slot, finder)
            } catch let refusal as Refusal where refusal.result.value["reason"] == "taken" {
                // What takes the time may be this call's own meeting, booked meanwhile by a worker thought dead.
                if try await !hasMeeting(request) { throw refusal }
            }
        }
        return switch try await MeetingBooker(meetings.services).book(request) {
        case .confirmed(let meeting): success(meeting)
        case .callHas(let meeting): refusal(of: meeting)
        case .taken: await meetings.taken(slot, finder)
        case .refused:
            await meetings.refusal("refused", "the calendar did not take the meeting", after: slot.lowerBound, finder)
        case .unknown(let meeting): unconfirmed(meeting)
        }
    }

    private func hasMeeting(_ request: BookingRequest) async throws -> Bool {
        try await meetings.records.of(request).contains(where: \.isStanding)
    }

    // MARK: results

    private func success(_ meeting: Meeting) -> ToolResult {
        meetings.success(meeting, "Successfully booked meeting for \(meeting.guestName ?? "the guest")")
    }

    private func refusal(of other: Meeting) -> ToolResult {
        guard other.status == .confirmed else { return unconfirmed(other) }
        if other.isChanging { return changing(other) }
        let problem =
            "this call already has the meeting named here and no other was booked; to change it use "
            + "\(RescheduleMeetingTool.name) or \(CancelMeetingTool.name), or say that a colleague will get in touch"
        return ToolResult(
            success: false,
            value: [
                "success": false, "reason": "call_has_a_meeting", "error": .string(problem),
                "booked_meeting": meetings.json(other.time),
            ])
    }

    private func changing(_ meeting: Meeting) -> ToolResult {
        let change =
            meeting.isCancelRequested
            ? "this call's meeting is being cancelled and the calendar has not confirmed that yet"
            : "this call's meeting is being moved to the time named here and the calendar has not confirmed that yet"
        return meetings.unconfirmed(
            meeting, at: meeting.newTime ?? meeting.time,
            "\(change): do not say that anything is booked, moved or cancelled and do not book again; say that a colleague "
                + "will get in touch")
    }

    private func unconfirmed(_ meeting: Meeting) -> ToolResult {
        meetings.unconfirmed(
            meeting, at: meeting.time,
            "the calendar has not confirmed the meeting: do not say that it is booked and do not book again; "
                + "say that \(meetings.confirmation) if it could be booked")
    }
}
