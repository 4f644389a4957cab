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

    var description: ToolDescription { Self.about }

    private static let about = ToolDescription(
        name: name,
        description:
            "Books a meeting that the caller has agreed to and invites them by e-mail. Only what it answers with "
            + "success is booked.",
        parameters: [
            "type": "object",
            "properties": [
                "datetime": [
                    "type": "string", "minLength": 1, "maxLength": 100,
                    "description": "Start, ISO 8601 with offset, as check_calendar_availability gave it",
                ],
                "duration_minutes": MeetingTools.durationSchema,
                "guest_email": [
                    "type": "string", "minLength": 3, "maxLength": 254, "description": "The guest's e-mail address",
                ],
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
        ])

    func execute(_ arguments: JSON) async throws -> ToolResult {
        if let stored = storedResult(arguments) { return stored }
        let start: Date
        switch self.start(of: arguments["datetime"]?.string ?? "") {
        case .success(let instant): start = instant
        case .failure(let problem): return problem.result
        }
        guard let email = SpokenEmail.address(arguments["guest_email"]?.string ?? "") else {
            return MeetingTools.refusal(
                "invalid_email", "guest_email is not an e-mail address: ask the caller to spell it, and read it back")
        }
        let duration = Int(arguments["duration_minutes"]?.integer ?? 30)
        return try await book(
            BookingRequest(
                callID: meetings.state.call.id, leadID: meetings.state.lead?.id,
                title: CallerSpeech.clean(arguments["meeting_title"]?.string ?? "Sales Meeting"),
                guestName: CallerSpeech.clean(arguments["guest_name"]?.string ?? ""), guestEmail: email,
                startsAt: start,
                endsAt: start.addingTimeInterval(Double(duration * 60)), language: meetings.state.call.language,
                zone: meetings.zone),
            duration: duration)
    }

    /// The very same call again, also in a later turn, gets what it got when it succeeded.
    private func storedResult(_ arguments: JSON) -> ToolResult? {
        meetings.state.toolCalls.first { $0.name == Self.name && $0.success && $0.arguments == arguments }
            .map { ToolResult(success: true, value: $0.result) }
    }

    // MARK: when

    private struct Problem: Error {
        var result: ToolResult
    }

    private func start(of text: String) -> Result<Date, Problem> {
        switch MeetingTime(text, zone: meetings.zone) {
        case .instant(let instant): return .success(instant)
        case .impossible:
            return .failure(
                Problem(result: MeetingTools.refusal("no_such_time", "\(text) does not exist: ask for another")))
        case .unreadable: break
        }
        do {
            if let instant = try meetings.dates.understand(text).instant(in: meetings.zone) { return .success(instant) }
        } catch {
            return .failure(Problem(result: MeetingTools.refusal(error.reason.rawValue, error.text)))
        }
        let problem = "datetime must be one instant in ISO 8601 with offset, such as 2025-01-10T14:00:00-06:00"
        return .failure(Problem(result: MeetingTools.refusal("not_understood", problem)))
    }

    /// Why no meeting may be held then, whoever is free.
    private func objection(_ slot: Range<Date>, _ finder: SlotFinder) -> (reason: String, problem: String)? {
        if slot.lowerBound < meetings.state.now { return ("past", "that time is over") }
        if slot.lowerBound < finder.earliest { return ("too_soon", "that is too soon: at least half an hour ahead") }
        if slot.lowerBound >= finder.horizon {
            return ("too_far", "that is more than \(SlotFinder.horizonDays) days ahead")
        }
        if !finder.isOpen(slot) {
            let settings = meetings.services.settings
            return ("outside_hours", "meetings are held \(settings.businessHours) (\(settings.businessTimezone))")
        }
        return nil
    }

    // MARK: booking

    private func book(_ request: BookingRequest, duration: Int) async throws -> ToolResult {
        let finder = meetings.finder(duration: duration)
        let slot = request.startsAt..<request.endsAt
        // A meeting of this call is found before anything is looked at: it would stand in its own way.
        if try await !callHasMeeting(request) {
            if let (reason, problem) = objection(slot, finder) {
                return await refusal(reason, problem, after: slot.lowerBound, finder)
            }
            do {
                let isFree = try await finder.isFree(slot)
                // What takes the time may be this call's own meeting, booked meanwhile by a worker thought dead.
                if !isFree, try await !callHasMeeting(request) { return await taken(slot, finder) }
            } catch {
                throw meetings.calendarFailure(error)
            }
        }
        let booker = MeetingBooker(meetings.services)
        return switch try await booker.book(request) {
        case .confirmed(let meeting): Self.success(meeting, meetings)
        case .callHas(let meeting): Self.refusal(of: meeting, meetings)
        case .taken: await taken(slot, finder)
        case .refused: await refusal("refused", "the calendar did not take the meeting", after: slot.lowerBound, finder)
        case .unknown: Self.unconfirmed
        }
    }

    private func callHasMeeting(_ request: BookingRequest) async throws -> Bool {
        try await MeetingRecords(meetings.services).ofCall(request.callID)
            .contains { $0.status == .reserved || $0.status == .confirmed }
    }

    private func taken(_ slot: Range<Date>, _ finder: SlotFinder) async -> ToolResult {
        await refusal("taken", "that time has just been taken: nothing is booked", after: slot.lowerBound, finder)
    }

    /// With the next free times, so that the agent has something to offer.
    private func refusal(
        _ reason: String, _ problem: String, after start: Date, _ finder: SlotFinder
    ) async -> ToolResult {
        let alternatives =
            (try? await finder.next(after: start < finder.horizon ? start : finder.earliest, count: 3)) ?? []
        return ToolResult(
            success: false,
            value: [
                "success": false, "reason": .string(reason), "error": .string(problem),
                "available_slots": .array(alternatives.map(meetings.json)),
                "timezone": .string(meetings.zone.identifier),
            ])
    }

    // MARK: results

    /// Of a committed meeting, also of one that an attempt before this one has booked.
    static func success(_ meeting: Meeting, _ meetings: MeetingTools) -> ToolResult {
        let slot = meeting.startsAt..<meeting.endsAt
        return ToolResult(
            success: true,
            value: [
                "success": true, "meeting_id": meeting.eventID.map { .string($0) } ?? .null,
                "calendar_link": meeting.link.map { .string($0) } ?? .null,
                "message": .string("Successfully booked meeting for \(meeting.guestName ?? "the guest")"),
                "meeting": meetings.json(slot), "timezone": .string(meetings.zone.identifier),
            ])
    }

    private static func refusal(of other: Meeting, _ meetings: MeetingTools) -> ToolResult {
        guard other.status == .confirmed else { return unconfirmed }
        let problem =
            "this call already has the meeting named here and no other was booked; for a change, say that a colleague "
            + "will get in touch"
        return ToolResult(
            success: false,
            value: [
                "success": false, "reason": "call_has_a_meeting", "error": .string(problem),
                "booked_meeting": meetings.json(other.startsAt..<other.endsAt),
            ])
    }

    static let unconfirmed = refusal(
        "unconfirmed",
        "the calendar has not confirmed the meeting: do not say that it is booked and do not book again; say that an e-mail "
            + "will confirm it if it could be booked")

    private static func refusal(_ reason: String, _ problem: String) -> ToolResult {
        MeetingTools.refusal(reason, problem)
    }
}
