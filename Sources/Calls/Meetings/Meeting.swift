import FoundationEssentials

/// A row of `meetings`.
struct Meeting: Sendable, Hashable {
    var id: Int64
    var callID: Int64?
    var leadID: Int64?
    var status: MeetingStatus
    /// Where its event is: it is not looked for anywhere else.
    var calendarID = "primary"
    /// The calendar event's id, chosen with the reservation.
    var eventKey: String
    /// The calendar's own id of it; known when confirmed.
    var eventID: String?
    var link: String?
    var title: String
    var guestName: String?
    var guestEmail: String?
    var startsAt: Date
    var endsAt: Date
    /// Grows with every change that guests are told of.
    var sequence = 0
    /// The guest is told of the meeting and its changes by mail, because the calendar could not invite them.
    var isInvitedByMail = false
    /// When it is being moved to: held beside its own time until the calendar has answered.
    var newTime: Range<Date>?
    /// Wanted, and not yet confirmed by the calendar.
    var isCancelRequested = false

    var time: Range<Date> { startsAt..<endsAt }
    /// Whether it takes its time: it may yet become an event, or is one.
    var isStanding: Bool { status == .reserved || status == .confirmed }
    /// Whether it may be spoken of as the caller's: confirmed, and not on its way to be cancelled.
    var isKept: Bool { status == .confirmed && !isCancelRequested }
    var isChanging: Bool { status == .confirmed && (newTime != nil || isCancelRequested) }
}

/// `meetings.status`.
enum MeetingStatus: String, Sendable, Hashable {
    /// The calendar has not answered yet.
    case reserved
    case confirmed, cancelled, failed
}

extension InsertedEvent {
    /// Whether the event stands at the meeting's times: under our key, that is this meeting.
    func isSame(as meeting: Meeting) -> Bool { isHeld(at: meeting.time) }

    func isHeld(at time: Range<Date>) -> Bool {
        !isCancelled && startsAt == time.lowerBound && endsAt == time.upperBound
    }
}
