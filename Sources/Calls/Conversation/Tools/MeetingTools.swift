import Agents
import FoundationEssentials
import Platform

/// What the meeting tools of a call share.
struct MeetingTools: Sendable {
    let services: CallServices
    let state: TurnState

    static let durationSchema: JSON = [
        "type": "integer", "minimum": 15, "maximum": 240, "description": "Length in minutes; 30 unless given",
    ]
    static let datetimeSchema: JSON = [
        "type": "string", "minLength": 1, "maxLength": 100,
        "description": "Start, ISO 8601 with offset, as check_calendar_availability gave it",
    ]
    static let meetingIDSchema: JSON = [
        "type": "string", "minLength": 1, "maxLength": 1_024,
        "description": "The meeting_id, when the caller has more than one meeting",
    ]

    /// Where the caller is: times without an offset are read, and all times are said, in this zone.
    var zone: Zone { state.call.zone }

    var dates: SpokenDates {
        SpokenDates(
            language: state.call.language.rawValue, zone: zone, now: state.now, horizonDays: SlotFinder.horizonDays)
    }

    var records: MeetingRecords { MeetingRecords(services) }
    var changer: MeetingChanger { MeetingChanger(services, language: state.call.language, zone: zone) }

    func finder(duration: Int) -> SlotFinder { SlotFinder(services, now: state.now, duration: duration) }

    /// Of the event that is booked outside of calls: the same request, run again, finds it.
    var requestedEventKey: String? {
        state.call.id == nil ? "op\(Cryptography.sha256(state.call.key.utf8).prefix(16).hexadecimal)" : nil
    }

    // MARK: results

    func json(_ slot: Range<Date>) -> JSON {
        [
            "datetime": .string(zone.iso8601(slot.lowerBound)), "end": .string(zone.iso8601(slot.upperBound)),
            "display": .string(dates.say(slot.lowerBound)),
        ]
    }

    /// Of what is committed.
    func success(_ meeting: Meeting, _ message: String) -> ToolResult {
        let invitation = services.invitation(of: meeting)
        let message = invitation == .none ? message + "; the guest gets no e-mail: do not say that they do" : message
        return ToolResult(
            success: true,
            value: [
                "success": true, "meeting_id": meeting.eventID.map { .string($0) } ?? .null,
                "calendar_link": meeting.link.map { .string($0) } ?? .null, "message": .string(message),
                "meeting": json(meeting.time), "timezone": .string(zone.identifier),
                "invitation": .string(invitation.rawValue),
            ])
    }

    /// What the description of a change adds, where the guest is told of it.
    var tellsGuest: String { services.invitation == .none ? "" : ", and tells the guest by e-mail" }

    /// Who confirms later what the calendar has not confirmed yet.
    var confirmation: String {
        services.invitation == .none ? "a colleague will get in touch and confirm it" : "an e-mail will confirm it"
    }

    /// Of a change whose end nobody knows yet.
    func unconfirmed(_ meeting: Meeting, at time: Range<Date>, _ problem: String) -> ToolResult {
        var value: [String: JSON] = [
            "success": false, "reason": "unconfirmed", "error": .string(problem), "meeting": json(time),
        ]
        value["meeting_id"] = meeting.eventID.map { .string($0) }
        return ToolResult(success: false, value: .object(value))
    }

    /// Of a change that nobody here can make.
    static func elsewhere(_ meeting: Meeting) -> ToolResult {
        ToolResult(
            success: false,
            value: [
                "success": false, "reason": elsewhere, "meeting_id": meeting.eventID.map { .string($0) } ?? .null,
                "error": .string(
                    "that meeting is in a calendar that cannot be changed from here, and stays as it is: say that a colleague "
                        + "will get in touch about it"),
            ])
    }

    /// The reason of such a refusal.
    static let elsewhere: JSON = "other_calendar"

    static func refusal(_ reason: String, _ problem: String) -> ToolResult {
        ToolResult(success: false, value: ["success": false, "reason": .string(reason), "error": .string(problem)])
    }

    /// An error is never "free", and the caller never hears what it was.
    func calendarFailure(_ error: any Error) -> ToolError {
        services.logger.warning("calendar cannot be read", metadata: ["error": "\(error)"])
        return ToolError(
            "the calendar cannot be looked at just now: offer that somebody calls back with a time", isTransient: true)
    }
}

/// Why a tool does not do what it was asked for, as the model is told.
struct Refusal: Error {
    var result: ToolResult

    init(_ result: ToolResult) { self.result = result }
    init(_ reason: String, _ problem: String) { result = MeetingTools.refusal(reason, problem) }
}
