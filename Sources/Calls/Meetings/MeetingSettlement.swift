import FoundationEssentials
import Platform
import Postgres

/// A reservation whose booking never came to an answer: the worker died, or the calendar's answer was lost.
struct OpenReservation: Sendable {
    var meeting: Meeting
    /// By the database's clock, when the row was read.
    var age: Duration
    var language: Language
    var zone: Zone
}

/// Asks the calendar what became of reservations, and confirms or fails them.
struct MeetingSettlement: Sendable {
    private let services: CallServices
    private let records: MeetingRecords

    init(_ services: CallServices) {
        self.services = services
        records = MeetingRecords(services)
    }

    /// How long to wait before asking again; nil when it is settled. Throws when the calendar cannot say.
    func settle(_ open: OpenReservation) async throws -> Duration? {
        let meeting = open.meeting
        let event = try await services.calendar.event(meeting.eventKey)
        if let event, event.isSame(as: meeting) {
            let invitation =
                event.isGuestInvited ? nil : Invitation(meeting, language: open.language, zone: open.zone).email
            _ = try await records.confirm(meeting, as: event, invitation: invitation)
        } else if event == nil, open.age < services.settings.reconcileAfter {
            // The request that would make the event may still be under way.
            return services.settings.reconcileAfter - open.age
        } else {
            try await records.fail(
                meeting, reason: event == nil ? "the calendar has no such event" : "the calendar's event is another one"
            )
        }
        return nil
    }
}
