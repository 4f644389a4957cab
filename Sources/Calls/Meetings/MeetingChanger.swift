import FoundationEssentials
import Platform

enum ChangeOutcome: Sendable, Hashable {
    case done(Meeting)
    /// The new time is another meeting's.
    case taken
    /// The meeting does not stand any more, or its event was deleted in the calendar.
    case gone
    /// The calendar refused; nothing is changed.
    case refused
    /// It is in a calendar that is not configured: nothing is changed.
    case elsewhere
    /// The calendar's answer was lost: what is wanted stands in the row until it is known what became of it.
    case unknown(Meeting)
}

/// Moves and cancels exactly once: what is wanted is a durable row first, then the calendar is asked, then the row follows.
/// Whatever dies in between, the next one to look finds the row and goes on from it.
struct MeetingChanger: Sendable {
    private let services: CallServices
    private let records: MeetingRecords
    /// What the guest is told in, and the zone that times are said in.
    private let language: Language
    private let zone: Zone

    init(_ services: CallServices, language: Language, zone: Zone) {
        self.services = services
        self.records = MeetingRecords(services)
        self.language = language
        self.zone = zone
    }

    /// Both times are held until the calendar has answered. Throws when the database is away.
    func move(_ meeting: Meeting, to time: Range<Date>) async throws -> ChangeOutcome {
        guard records.isHere(meeting) else { return .elsewhere }
        return switch try await records.beginMove(meeting, to: time) {
        case .taken: .taken
        case .made(let begun): try await settleMove(begun, to: time, .now)
        // What another one began may have reached the calendar.
        case .madeBefore(let begun): try await settleMove(begun, to: time, .lately)
        case .not(let now?) where now.isChanging: .unknown(now)
        case .not: .gone
        }
    }

    /// Throws when the database is away.
    func cancel(_ meeting: Meeting, reason: String) async throws -> ChangeOutcome {
        guard records.isHere(meeting) else { return .elsewhere }
        return switch try await records.beginCancel(meeting) {
        case .made(let begun), .madeBefore(let begun): try await settleCancel(begun, reason: reason)
        case .not(let now?) where now.status == .cancelled: .done(now)
        case .taken, .not: .gone
        }
    }

    /// Goes on with what was begun, by whomever.
    ///
    /// - Parameter age: Since it was begun. A request of so long ago does not arrive at the calendar any more.
    func resume(_ meeting: Meeting, age: Duration) async throws -> ChangeOutcome {
        if meeting.isCancelRequested { return try await settleCancel(meeting, reason: "cancelled on request") }
        guard let time = meeting.newTime else { return .done(meeting) }
        let begun: Begun = age < services.settings.reconcileAfter ? .lately : .longAgo
        return try await settleMove(meeting, to: time, begun)
    }

    // MARK: moving

    private enum Movement {
        case made(InsertedEvent)
        case refused
        case gone
        case unknown
    }

    /// Whether somebody may have asked the calendar for the move before.
    private enum Begun {
        case now
        /// The request may still be under way.
        case lately
        case longAgo
    }

    private func settleMove(_ meeting: Meeting, to time: Range<Date>, _ begun: Begun) async throws -> ChangeOutcome {
        switch await movement(meeting, to: time, begun) {
        case .made(let event):
            var notice: Email?
            if meeting.isInvitedByMail || !event.isGuestInvited {
                var moved = meeting
                (moved.startsAt, moved.endsAt, moved.sequence) = (
                    time.lowerBound, time.upperBound, meeting.sequence + 1
                )
                notice = MeetingNotice(moved, services, language: language, zone: zone).email
            }
            if let moved = try await records.finishMove(meeting, to: time, link: event.link, notice: notice) {
                return .done(moved)
            }
            let now = try await settledMeanwhile(meeting, time)
            return now == .refused ? .unknown(meeting) : now
        case .refused:
            return try await records.dropMove(meeting, to: time) ? .refused : settledMeanwhile(meeting, time)
        case .gone: return try await recordGone(meeting)
        case .unknown: return .unknown(meeting)
        }
    }

    /// Somebody else was faster: what they wrote stands.
    private func settledMeanwhile(_ meeting: Meeting, _ time: Range<Date>) async throws -> ChangeOutcome {
        guard let now = try await records.meeting(meeting.id), now.status == .confirmed else { return .gone }
        if now.isChanging { return .unknown(now) }
        return now.time == time ? .done(now) : .refused
    }

    /// A lost answer is followed by a question, and an event that has not been moved by one more try: moving it twice to the
    /// same time does no harm, but would tell its guests twice. A calendar that does not answer the question is not asked to
    /// move it: what it refused then might have been done before.
    private func movement(_ meeting: Meeting, to time: Range<Date>, _ begun: Begun) async -> Movement {
        var begun = begun
        for _ in 0..<2 {
            if begun != .now, let known = await ask(meeting, time) { return known }
            do {
                let key = meeting.eventID ?? meeting.eventKey
                return .made(try await services.calendar.move(key, to: time, zone: services.settings.businessTimezone))
            } catch CalendarError.gone {
                return .gone
            } catch CalendarError.refused(let reason) {
                services.logger.warning(
                    "the calendar refused a move", metadata: ["meeting": "\(meeting.id)", "reason": reason])
                // What was lost before may still arrive there: only time tells.
                return begun == .lately ? .unknown : .refused
            } catch {
                begun = .lately
                log(meeting, error)
            }
            if Task.isCancelled { return .unknown }
        }
        return await ask(meeting, time) ?? .unknown
    }

    /// Whether the calendar has moved the meeting, as far as it says; nil when it has not.
    private func ask(_ meeting: Meeting, _ time: Range<Date>) async -> Movement? {
        do {
            guard let event = try await services.calendar.event(meeting.eventKey), event.isHeld(at: time) else {
                return nil
            }
            return .made(event)
        } catch CalendarError.keyTaken {
            // There is one that does not look like ours, and so has not been moved there by us.
            return nil
        } catch {
            log(meeting, error)
            return .unknown
        }
    }

    // MARK: cancelling

    private func settleCancel(_ meeting: Meeting, reason: String) async throws -> ChangeOutcome {
        do {
            try await services.calendar.cancel(meeting.eventID ?? meeting.eventKey)
        } catch {
            // The wish stands in the row: reconciliation goes on with it.
            log(meeting, error)
            return .unknown(meeting)
        }
        return try await recordCancelled(meeting, reason: reason) ?? .gone
    }

    /// Somebody deleted the event in the calendar: the row follows.
    private func recordGone(_ meeting: Meeting) async throws -> ChangeOutcome {
        _ = try await recordCancelled(meeting, reason: "its event was deleted in the calendar")
        return .gone
    }

    private func recordCancelled(_ meeting: Meeting, reason: String) async throws -> ChangeOutcome? {
        var cancelled = meeting
        (cancelled.status, cancelled.sequence) = (.cancelled, meeting.sequence + 1)
        let notice =
            meeting.isInvitedByMail ? MeetingNotice(cancelled, services, language: language, zone: zone).email : nil
        if let done = try await records.finishCancel(meeting, reason: reason, notice: notice) { return .done(done) }
        let now = try await records.meeting(meeting.id)
        return now?.status == .cancelled ? now.map { .done($0) } : nil
    }

    private func log(_ meeting: Meeting, _ error: any Error) {
        services.logger.warning(
            "the calendar gave no answer", metadata: ["meeting": "\(meeting.id)", "error": "\(error)"])
    }
}
