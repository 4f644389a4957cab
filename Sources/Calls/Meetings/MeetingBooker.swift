import FoundationEssentials
import Platform

/// A meeting that somebody wants.
struct BookingRequest: Sendable, Hashable {
    /// Nil outside of calls.
    var callID: Int64?
    /// Chosen beforehand where there is no call: whoever asks again under the same finds the meeting.
    var eventKey: String?
    var leadID: Int64?
    var title: String
    var guestName: String
    var guestEmail: String
    var startsAt: Date
    var endsAt: Date
    /// For the invitation.
    var language: Language
    /// The guest's.
    var zone: Zone

    /// Whether the meeting is the one that is asked for.
    func isFor(_ meeting: Meeting) -> Bool {
        meeting.startsAt == startsAt && meeting.guestEmail?.lowercased() == guestEmail.lowercased()
    }
}

enum BookingOutcome: Sendable, Hashable {
    case confirmed(Meeting)
    /// The call has another meeting, or this one is being moved or cancelled.
    case callHas(Meeting)
    /// Somebody else was faster.
    case taken
    /// The calendar refused; nothing is booked.
    case refused
    /// The calendar's answer was lost: the reservation stands until it is known what became of it.
    case unknown(Meeting)
}

/// Books exactly once: a durable reservation first, then the event under the key that the reservation chose. Whatever dies in
/// between, the next one to look finds the row, and asks the calendar by its key.
struct MeetingBooker: Sendable {
    private let services: CallServices
    private let records: MeetingRecords

    init(_ services: CallServices) {
        self.services = services
        self.records = MeetingRecords(services)
    }

    /// Repeating a request gives the same meeting. Throws when the database is away.
    func book(_ request: BookingRequest) async throws -> BookingOutcome {
        switch try await records.reserve(request) {
        case .made(let meeting): return try await settle(meeting, isNew: true, request)
        case .taken: return .taken
        case .callHas(let meeting):
            // One that is to go, or to be held at another time, is not what is asked for.
            guard request.isFor(meeting), !meeting.isChanging else { return .callHas(meeting) }
            if meeting.status == .confirmed { return .confirmed(meeting) }
            guard records.isHere(meeting) else { return .unknown(meeting) }
            return try await settle(meeting, isNew: false, request)
        }
    }

    /// Brings a reservation to its end: the event is made, or was made already, under its key.
    private func settle(_ meeting: Meeting, isNew: Bool, _ request: BookingRequest) async throws -> BookingOutcome {
        switch await insert(meeting, mayBeThere: !isNew) {
        case .made(let event):
            let invitation = MeetingNotice(meeting, services, language: request.language, zone: request.zone)
            let email = event.isGuestInvited ? nil : invitation.email
            if let confirmed = try await records.confirm(meeting, as: event, invitation: email) {
                return .confirmed(confirmed)
            }
            return try await settledMeanwhile(meeting)
        case .refused(let reason):
            try await records.fail(meeting, reason: reason)
            return .refused
        case .unknown: return .unknown(meeting)
        }
    }

    private enum Insertion {
        case made(InsertedEvent)
        case refused(String)
        case unknown
    }

    /// Never inserts where the event may be already without having asked: a calendar does not promise to notice every second
    /// use of a key. A lost answer is followed by a question, and a "no such event" by one more try.
    private func insert(_ meeting: Meeting, mayBeThere: Bool) async -> Insertion {
        var mayBeThere = mayBeThere
        for _ in 0..<2 {
            if mayBeThere, let found = await ask(meeting) { return found }
            do {
                return .made(try await services.calendar.insert(event(meeting)))
            } catch CalendarError.refused(let reason) {
                // What was lost before may still arrive there: only time tells.
                return mayBeThere ? .unknown : .refused("the calendar refused: \(reason)")
            } catch CalendarError.keyTaken {
                return .refused("the event's key belongs to another event")
            } catch {
                mayBeThere = true
                log(meeting, error)
            }
            if Task.isCancelled { return .unknown }
        }
        return await ask(meeting) ?? .unknown
    }

    /// What the calendar has under the meeting's key; nil when it has nothing.
    private func ask(_ meeting: Meeting) async -> Insertion? {
        do {
            guard let found = try await services.calendar.event(meeting.eventKey) else { return nil }
            return found.isSame(as: meeting) ? .made(found) : .refused("the calendar's event is another one")
        } catch CalendarError.keyTaken {
            return .refused("the event's key belongs to another event")
        } catch {
            log(meeting, error)
            return .unknown
        }
    }

    private func log(_ meeting: Meeting, _ error: any Error) {
        services.logger.warning(
            "the calendar gave no answer", metadata: ["meeting": "\(meeting.id)", "error": "\(error)"])
    }

    private func event(_ meeting: Meeting) -> CalendarEvent {
        CalendarEvent(
            key: meeting.eventKey, title: meeting.title, startsAt: meeting.startsAt, endsAt: meeting.endsAt,
            timezone: services.settings.businessTimezone, guestName: meeting.guestName, guestEmail: meeting.guestEmail,
            notes: meeting.callID.map { "Booked by telephone, call \($0)." })
    }

    /// Reconciliation was faster: what it wrote stands. An event that was made for a reservation that had been given up goes
    /// again, or its guest would come to a meeting that nobody knows of.
    private func settledMeanwhile(_ meeting: Meeting) async throws -> BookingOutcome {
        guard let now = try await records.meeting(meeting.id) else { return .unknown(meeting) }
        switch now.status {
        case .confirmed: return .confirmed(now)
        case .reserved: return .unknown(now)
        case .cancelled: return .refused
        case .failed:
            try await records.requestDeletion(ofEventOf: now)
            do {
                try await MeetingSettlement(services).deleteEvent(of: now)
            } catch {
                // The wish stands in the row: reconciliation goes on with it.
                log(now, error)
            }
            return .refused
        }
    }
}
