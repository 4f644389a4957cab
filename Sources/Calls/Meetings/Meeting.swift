import FoundationEssentials

/// A row of `meetings`.
struct Meeting: Sendable, Hashable {
    var id: Int64
    var callID: Int64?
    var leadID: Int64?
    var status: MeetingStatus
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
}

/// `meetings.status`.
enum MeetingStatus: String, Sendable, Hashable {
    /// The calendar has not answered yet.
    case reserved
    case confirmed, cancelled, failed
}

extension InsertedEvent {
    /// Whether the event stands at the meeting's times: under our key, that is this meeting.
    func isSame(as meeting: Meeting) -> Bool {
        !isCancelled && startsAt == meeting.startsAt && endsAt == meeting.endsAt
    }
}
