import FoundationEssentials
import Jobs
import Platform
import Postgres

/// The statements about meetings.
struct MeetingRecords: Sendable {
    private let services: CallServices

    init(_ services: CallServices) { self.services = services }

    private static let columns = """
        id, call_id, lead_id, status, event_key, calendar_event_id, calendar_link, title, guest_name, guest_email,
        starts_at, ends_at
        """

    /// Those of a call, of any status, in the order of their making.
    static func ofCall(_ callID: Int64) -> PostgresQuery {
        "SELECT \(unsafe: columns) FROM meetings WHERE call_id = \(callID) ORDER BY id"
    }

    func ofCall(_ callID: Int64) async throws -> [Meeting] {
        try await services.postgres.query(Self.ofCall(callID)).map(Self.meeting)
    }

    /// When our own meetings stand between these instants.
    func taken(from: Date, to: Date) async throws -> [Range<Date>] {
        let rows = try await services.postgres.query(
            """
            SELECT starts_at, ends_at FROM meetings
            WHERE calendar_id = \(services.settings.calendarID) AND status IN ('reserved', 'confirmed')
                AND tstzrange(starts_at, ends_at) && tstzrange(\(from), \(to))
            ORDER BY starts_at
            """)
        return try rows.map { row in
            let (start, end) = try row.decode(Date.self, Date.self)
            return start..<end
        }
    }

    /// Reservations of a call that the calendar has not answered yet.
    func reserved(in callID: Int64) async throws -> [OpenReservation] {
        try await services.postgres.query(
            """
            SELECT \(unsafe: Self.openColumns) FROM meetings
            WHERE call_id = \(callID) AND status = 'reserved' ORDER BY id
            """
        ).map(reservation)
    }

    /// The oldest that no call will settle: reserved without a call, or by one whose outcome is written.
    func forgotten(olderThan age: Duration, limit: Int) async throws -> [OpenReservation] {
        try await services.postgres.query(
            """
            SELECT \(unsafe: Self.openColumns) FROM meetings
            WHERE status = 'reserved' AND created_at < now() - make_interval(secs => \(age.inSeconds))
                AND NOT EXISTS (SELECT FROM calls WHERE calls.id = call_id AND finalized_at IS NULL)
            ORDER BY created_at LIMIT \(limit)
            """
        ).map(reservation)
    }

    private static let openColumns = """
        \(columns), extract(epoch FROM clock_timestamp() - created_at)::float8 AS age,
        (SELECT language FROM calls WHERE calls.id = call_id) AS language,
        (SELECT timezone FROM calls WHERE calls.id = call_id) AS timezone
        """

    private func reservation(_ row: PostgresRow) throws -> OpenReservation {
        let settings = services.settings
        let language = try row.decode(String?.self, column: "language") ?? settings.defaultLanguage
        let timezone = try row.decode(String?.self, column: "timezone") ?? settings.businessTimezone
        return OpenReservation(
            meeting: try Self.meeting(row), age: .seconds(try row.decode(Double.self, column: "age")),
            language: Language(code: language), zone: Zone(identifier: timezone) ?? .utc)
    }

    enum Reservation: Sendable {
        case made(Meeting)
        /// Another meeting of ours stands at that time.
        case taken
        /// The call has a meeting already, reserved or confirmed.
        case callHas(Meeting)
    }

    /// Takes the time, durably, before the calendar is asked. The event's key is chosen here: whoever finds this row can ask
    /// the calendar what became of it.
    func reserve(_ request: BookingRequest) async throws -> Reservation {
        do {
            let results = try await services.postgres.batch([
                "SELECT lock_calendar(\(services.settings.calendarID))",
                """
                INSERT INTO meetings (call_id, lead_id, calendar_id, event_key, title, guest_name, guest_email, starts_at,
                    ends_at)
                VALUES (\(request.callID), \(request.leadID), \(services.settings.calendarID),
                    'op' || replace(gen_random_uuid()::text, '-', ''), \(request.title), \(request.guestName),
                    \(request.guestEmail), \(request.startsAt), \(request.endsAt))
                RETURNING \(unsafe: Self.columns)
                """,
            ])
            return .made(try Self.meeting(results[1][0]))
        } catch let error as PostgresError where error.sqlState == "23505" || error.sqlState == "23P01" {
            // Both constraints may stand in the way at once: that of the same call says more.
            let standing = try await ofCall(request.callID).first { $0.status == .reserved || $0.status == .confirmed }
            return standing.map { .callHas($0) } ?? .taken
        }
    }

    /// Writes the calendar's word, and in the same transaction what follows from it: the guest's reminder, and the
    /// invitation when the calendar could not invite. Nil when the reservation was settled otherwise meanwhile.
    func confirm(_ meeting: Meeting, as event: InsertedEvent, invitation: Email?) async throws -> Meeting? {
        let reminder = RemindGuest(meetingID: meeting.id)
        return try await services.postgres.withTransaction { connection in
            try await connection.query("SELECT lock_calendar(calendar_id) FROM meetings WHERE id = \(meeting.id)")
            let rows = try await connection.query(
                """
                UPDATE meetings SET status = 'confirmed', confirmed_at = now(), calendar_event_id = \(event.id),
                    calendar_link = \(event.link)
                WHERE id = \(meeting.id) AND status = 'reserved'
                RETURNING \(unsafe: Self.columns), starts_at > now() + interval '1 day' AS is_far
                """)
            guard let row = rows.first else { return nil }
            let confirmed = try Self.meeting(row)
            guard services.mailer != nil, confirmed.guestEmail != nil else { return confirmed }
            if try row.decode(Bool.self, column: "is_far") {
                let options = reminder.options(meetingStartsAt: confirmed.startsAt)
                try await services.queue.enqueue(reminder, options, in: connection)
            }
            if let invitation {
                let job = SendEmail(invitation, meetingID: confirmed.id)
                try await services.queue.enqueue(job, job.options, in: connection)
            }
            return confirmed
        }
    }

    /// Frees the time of a reservation that certainly did not become an event.
    func fail(_ meeting: Meeting, reason: String) async throws {
        try await services.postgres.query(
            "UPDATE meetings SET status = 'failed', reason = \(reason) WHERE id = \(meeting.id) AND status = 'reserved'"
        )
    }

    static func meeting(_ row: PostgresRow) throws -> Meeting {
        let (id, callID, leadID, status, key, eventID, link, title, name, email, start, end) = try row.decode(
            Int64.self, Int64?.self, Int64?.self, String.self, String.self, String?.self, String?.self, String.self,
            String?.self, String?.self, Date.self, Date.self)
        return Meeting(
            id: id, callID: callID, leadID: leadID, status: MeetingStatus(rawValue: status) ?? .failed, eventKey: key,
            eventID: eventID, link: link, title: title, guestName: name, guestEmail: email, startsAt: start, endsAt: end
        )
    }
}
