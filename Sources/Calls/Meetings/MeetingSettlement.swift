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
        let event: InsertedEvent?
        do {
            event = try await services.calendar.event(meeting.eventKey)
        } catch CalendarError.keyTaken {
            try await records.fail(meeting, reason: "the event's key belongs to another event")
            return nil
        }
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

extension MeetingSettlement {
    private static let questionsAtOnce = 8

    /// Settles what no call will. What the calendar cannot say anything about is logged and keeps no other from it. Returns how
    /// many there were; throws when the database is away.
    ///
    /// - Parameters:
    ///   - limit: Of each kind.
    ///   - time: What is under way then is cancelled: the rows know how far it came.
    func settleForgotten(limit: Int, within time: Duration, _ logger: Logger) async throws -> Int {
        try await warnOfOthers(logger)
        let forgotten = try await records.forgotten(olderThan: services.settings.reconcileAfter, limit: limit)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await settleEach(forgotten, logger)
                return true
            }
            group.addTask {
                try await Task.sleep(for: time)
                return false
            }
            if try await group.next() == false {
                logger.warning(
                    "the time for meetings is up: the others wait for the next pass",
                    metadata: ["meetings": "\(forgotten.count)"])
            }
        }
        return forgotten.count
    }

    private func settleEach(_ forgotten: [OpenMeeting], _ logger: Logger) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, open) in forgotten.enumerated() {
                if index >= Self.questionsAtOnce { try await group.next() }
                try Task.checkCancellation()
                group.addTask { try await tryToSettle(open, logger) }
            }
            try await group.waitForAll()
        }
    }

    private func tryToSettle(_ open: OpenMeeting, _ logger: Logger) async throws {
        do {
            _ = try await settle(open)
        } catch let error where error.endsPass {
            throw error
        } catch {
            logger.warning(
                "a meeting cannot be settled", metadata: ["meeting": "\(open.meeting.id)", "error": "\(error)"])
        }
    }

    private func warnOfOthers(_ logger: Logger) async throws {
        let count = try await records.countElsewhere(olderThan: services.settings.reconcileAfter)
        guard count > 0 else { return }
        logger.warning(
            "meetings wait for a calendar that is not configured",
            metadata: ["meetings": "\(count)", "configured": "\(services.settings.calendarID)"])
    }
}
