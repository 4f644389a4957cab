import FoundationEssentials
import Platform
import Postgres

/// Asks the calendar what became of reservations, and confirms or fails them; goes on with moves, cancellations and deletions.
struct MeetingSettlement: Sendable {
    private let services: CallServices
    private let records: MeetingRecords

    init(_ services: CallServices) {
        self.services = services
        records = MeetingRecords(services)
    }

    /// How long to wait before asking again; nil when it is settled, or in a calendar that is not configured. Throws when the
    /// calendar cannot say.
    func settle(_ open: OpenMeeting) async throws -> Duration? {
        guard records.isHere(open.meeting) else { return nil }
        switch open.meeting.status {
        case .reserved: return try await settleReservation(open)
        case .failed:
            try await deleteEvent(of: open.meeting)
            return nil
        case .confirmed, .cancelled: return try await settleChange(open)
        }
    }

    /// Of a reservation that was given up before its event was made.
    func deleteEvent(of failed: Meeting) async throws {
        try await services.calendar.cancel(failed.eventKey)
        try await records.endDeletion(ofEventOf: failed)
    }

    private func settleReservation(_ open: OpenMeeting) async throws -> Duration? {
        let meeting = open.meeting
        let event = try await services.calendar.event(meeting.eventKey)
        if let event, event.isSame(as: meeting) {
            let notice = MeetingNotice(meeting, services, language: open.language, zone: open.zone)
            _ = try await records.confirm(meeting, as: event, invitation: event.isGuestInvited ? nil : notice.email)
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

    private func settleChange(_ open: OpenMeeting) async throws -> Duration? {
        let changer = MeetingChanger(services, language: open.language, zone: open.zone)
        guard case .unknown = try await changer.resume(open.meeting, age: open.age) else { return nil }
        return services.settings.reconcileAfter
    }
}
