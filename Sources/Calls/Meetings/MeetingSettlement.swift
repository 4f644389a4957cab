import FoundationEssentials
import Jobs
import Platform
import Postgres

/// A reservation whose booking never came to an answer: the worker died, or the calendar's answer was lost.
struct ReservedMeeting: Sendable, Hashable {
    var id: Int64
    var eventKey: String
    var startsAt: Date
    var endsAt: Date
    /// By the database's clock, when the row was read.
    var age: Duration
    var hasGuest: Bool
}

/// Asks the calendar what became of reservations, and confirms or fails them.
struct MeetingSettlement: Sendable {
    private let services: CallServices
    private static let columns = """
        id, event_key, starts_at, ends_at, extract(epoch FROM clock_timestamp() - created_at)::float8,
        guest_email IS NOT NULL
        """

    init(_ services: CallServices) { self.services = services }

    func reserved(in callID: Int64) async throws -> [ReservedMeeting] {
        try await meetings(
            "SELECT \(unsafe: Self.columns) FROM meetings WHERE call_id = \(callID) AND status = 'reserved' ORDER BY id"
        )
    }

    /// The oldest that no call will settle: reserved without a call, or by one whose outcome is written.
    func forgotten(olderThan age: Duration, limit: Int) async throws -> [ReservedMeeting] {
        try await meetings(
            """
            SELECT \(unsafe: Self.columns) FROM meetings
            WHERE status = 'reserved' AND created_at < now() - make_interval(secs => \(age.seconds))
                AND NOT EXISTS (SELECT FROM calls WHERE calls.id = call_id AND finalized_at IS NULL)
            ORDER BY created_at LIMIT \(limit)
            """)
    }

    /// How long to wait before asking again; nil when it is settled. Throws when the calendar cannot say.
    func settle(_ meeting: ReservedMeeting) async throws -> Duration? {
        let event = try await services.calendar.event(meeting.eventKey)
        if let event, !event.isCancelled, event.startsAt == meeting.startsAt, event.endsAt == meeting.endsAt {
            try await confirm(meeting, as: event)
        } else if event == nil, meeting.age < services.settings.reconcileAfter {
            // The request that would make the event may still be under way.
            return services.settings.reconcileAfter - meeting.age
        } else {
            try await services.postgres.query(
                """
                UPDATE meetings SET status = 'failed',
                    reason = \(event == nil ? "the calendar has no such event" : "the calendar's event is another one")
                WHERE id = \(meeting.id) AND status = 'reserved'
                """)
        }
        return nil
    }

    private func confirm(_ meeting: ReservedMeeting, as event: InsertedEvent) async throws {
        let reminder = RemindGuest(meetingID: meeting.id)
        try await services.postgres.withTransaction { connection in
            let confirmed = try await connection.query(
                """
                UPDATE meetings SET status = 'confirmed', confirmed_at = now(), calendar_event_id = \(event.id),
                    calendar_link = \(event.link)
                WHERE id = \(meeting.id) AND status = 'reserved'
                """)
            guard confirmed.affectedRows == 1, meeting.hasGuest, services.mailer != nil else { return }
            try await services.queue.enqueue(
                reminder, reminder.options(meetingStartsAt: meeting.startsAt), in: connection)
        }
    }

    private func meetings(_ query: PostgresQuery) async throws -> [ReservedMeeting] {
        try await services.postgres.query(query).map { row in
            let (id, key, start, end, age, hasGuest) = try row.decode(
                Int64.self, String.self, Date.self, Date.self, Double.self, Bool.self)
            return ReservedMeeting(
                id: id, eventKey: key, startsAt: start, endsAt: end, age: .seconds(age), hasGuest: hasGuest)
        }
    }
}
