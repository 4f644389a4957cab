import FoundationEssentials
import Jobs
import Platform
import Postgres

/// The statements about meetings.
struct MeetingRecords: Sendable {
    let services: CallServices

    init(_ services: CallServices) { self.services = services }

    static let columns = """
        id, call_id, lead_id, status, event_key, calendar_event_id, calendar_link, title, guest_name, guest_email,
        starts_at, ends_at, sequence, is_invited_by_mail, new_starts_at, new_ends_at, cancel_requested_at IS NOT NULL,
        calendar_id
        """

    /// Whether it is in the calendar that is configured: of another nobody here can say anything.
    func isHere(_ meeting: Meeting) -> Bool {
        let isLinked = meeting.link != nil
        let isHere =
            meeting.calendarID == services.settings.calendarID
            && (meeting.status != .confirmed || isLinked == services.calendar.linksEvents)
        if !isHere {
            services.logger.warning(
                "a meeting is in a calendar that is not configured",
                metadata: ["meeting": "\(meeting.id)", "calendar": "\(meeting.calendarID)"])
        }
        return isHere
    }

    /// Those of a call, of any status, in the order of their making.
    static func ofCall(_ callID: Int64) -> PostgresQuery {
        "SELECT \(unsafe: columns) FROM meetings WHERE call_id = \(callID) ORDER BY id"
    }

    func ofCall(_ callID: Int64) async throws -> [Meeting] {
        try await services.postgres.query(Self.ofCall(callID)).map(Self.meeting)
    }

    /// Those that the request may have made: of its call, or under its key.
    func of(_ request: BookingRequest) async throws -> [Meeting] {
        if let callID = request.callID { return try await ofCall(callID) }
        return try await services.postgres.query(
            "SELECT \(unsafe: Self.columns) FROM meetings WHERE event_key = \(request.eventKey)"
        ).map(Self.meeting)
    }

    /// Those of a call, of any status, and of the other calls with its number what is not over: confirmed or cancelled.
    static func ofCaller(in callID: Int64) -> PostgresQuery {
        """
        SELECT \(unsafe: columns) FROM meetings WHERE call_id = \(callID)
        UNION ALL
        SELECT \(unsafe: columns) FROM meetings
        WHERE phone = (SELECT phone_of_the_other_side(direction, from_phone, to_phone) FROM calls WHERE id = \(callID))
            AND ends_at > now() AND status IN ('confirmed', 'cancelled') AND call_id IS DISTINCT FROM \(callID)
        ORDER BY id LIMIT 100
        """
    }

    func ofCaller(in callID: Int64) async throws -> [Meeting] {
        try await services.postgres.query(Self.ofCaller(in: callID)).map(Self.meeting)
    }

    /// The one that the calendar knows by that id.
    func known(as eventID: String) async throws -> [Meeting] {
        try await services.postgres.query(
            """
            SELECT \(unsafe: Self.columns) FROM meetings
            WHERE calendar_id = \(services.settings.calendarID) AND calendar_event_id = \(eventID)
            """
        ).map(Self.meeting)
    }

    /// When our own meetings stand between these instants, or are being moved to, in order; `meeting` does not count.
    func taken(from: Date, to: Date, besides meeting: Int64? = nil) async throws -> [Range<Date>] {
        let rows = try await services.postgres.query(
            """
            SELECT lower(time), upper(time)
            FROM meetings, unnest(meeting_times(starts_at, ends_at, new_starts_at, new_ends_at)) AS time
            WHERE calendar_id = \(services.settings.calendarID) AND status IN ('reserved', 'confirmed')
                AND meeting_times(starts_at, ends_at, new_starts_at, new_ends_at) && tstzrange(\(from), \(to))
                AND id IS DISTINCT FROM \(meeting)
            ORDER BY 1
            """)
        return try rows.map { row in
            let (start, end) = try row.decode(Date.self, Date.self)
            return start..<end
        }
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
                    ends_at, phone)
                VALUES (\(request.callID), \(request.leadID), \(services.settings.calendarID),
                    coalesce(\(request.eventKey), 'op' || replace(gen_random_uuid()::text, '-', '')), \(request.title), \(request.guestName),
                    \(request.guestEmail), \(request.startsAt), \(request.endsAt),
                    (SELECT phone_of_the_other_side(direction, from_phone, to_phone) FROM calls
                        WHERE id = \(request.callID)))
                RETURNING \(unsafe: Self.columns)
                """,
            ])
            return .made(try Self.meeting(results[1][0]))
        } catch let error as PostgresError where error.sqlState == "23505" || error.sqlState == "23P01" {
            // Both constraints may stand in the way at once: that of the same call says more.
            let standing = try await of(request).first(where: \.isStanding)
            return standing.map { .callHas($0) } ?? .taken
        }
    }

    /// Writes the calendar's word, and in the same transaction what follows from it: the guest's reminder, and the
    /// invitation when the calendar could not invite. Nil when the reservation was settled otherwise meanwhile.
    func confirm(_ meeting: Meeting, as event: InsertedEvent, invitation: Email?) async throws -> Meeting? {
        try await services.postgres.withTransaction { connection in
            try await connection.query(Self.lock(meeting))
            let isInvitedByMail = invitation != nil && services.mailer != nil
            let rows = try await connection.query(
                """
                UPDATE meetings SET status = 'confirmed', confirmed_at = now(), calendar_event_id = \(event.id),
                    calendar_link = \(event.link), is_invited_by_mail = \(isInvitedByMail)
                WHERE id = \(meeting.id) AND status = 'reserved'
                RETURNING \(unsafe: Self.columns)
                """)
            guard let confirmed = try rows.first.map(Self.meeting) else { return nil }
            try await remind(of: confirmed, in: connection)
            if let invitation { try await mail(invitation, of: confirmed, in: connection) }
            return confirmed
        }
    }

    /// Taken before anything that the exclusion constraint looks at is written; it ends with the transaction.
    static func lock(_ meeting: Meeting) -> PostgresQuery {
        "SELECT lock_calendar(calendar_id) FROM meetings WHERE id = \(meeting.id)"
    }

    /// Enqueues the guest's reminder a day before; not when that day has begun.
    func remind(of meeting: Meeting, in connection: PostgresConnection) async throws {
        guard services.mailer != nil, meeting.guestEmail != nil else { return }
        let isFar = try await connection.query("SELECT \(meeting.startsAt)::timestamptz > now() + interval '1 day'")
        guard try isFar[0].decode(Bool.self) else { return }
        let reminder = RemindGuest(meetingID: meeting.id, sequence: meeting.sequence)
        let options = reminder.options(meetingStartsAt: meeting.startsAt)
        try await services.queue.enqueue(reminder, options, in: connection)
    }

    /// Enqueues a mail that is only sent while the meeting is confirmed and has not been changed again.
    func mail(_ email: Email, of meeting: Meeting, in connection: PostgresConnection) async throws {
        guard services.mailer != nil else { return }
        let job = SendEmail(email, meetingID: meeting.id, meetingSequence: meeting.sequence)
        try await services.queue.enqueue(job, job.options, in: connection)
    }

    /// Frees the time of a reservation that certainly did not become an event.
    func fail(_ meeting: Meeting, reason: String) async throws {
        try await services.postgres.query(
            "UPDATE meetings SET status = 'failed', reason = \(reason) WHERE id = \(meeting.id) AND status = 'reserved'"
        )
    }

    /// From here on the event of a reservation that was given up will be deleted, whatever dies.
    func requestDeletion(ofEventOf failed: Meeting) async throws {
        try await services.postgres.query(
            "UPDATE meetings SET cancel_requested_at = now() WHERE id = \(failed.id) AND status = 'failed'")
    }

    func endDeletion(ofEventOf failed: Meeting) async throws {
        try await services.postgres.query(
            "UPDATE meetings SET cancel_requested_at = NULL WHERE id = \(failed.id) AND status = 'failed'")
    }

    static func meeting(_ row: PostgresRow) throws -> Meeting {
        let (
            id, callID, leadID, status, key, eventID, link, title, name, email, start, end, sequence, isInvitedByMail,
            newStart, newEnd, isCancelRequested, calendarID
        ) = try row.decode(
            Int64.self, Int64?.self, Int64?.self, String.self, String.self, String?.self, String?.self, String.self,
            String?.self, String?.self, Date.self, Date.self, Int.self, Bool.self, Date?.self, Date?.self, Bool.self,
            String.self)
        var meeting = Meeting(
            id: id, callID: callID, leadID: leadID, status: MeetingStatus(rawValue: status) ?? .failed, eventKey: key,
            eventID: eventID, link: link, title: title, guestName: name, guestEmail: email, startsAt: start, endsAt: end
        )
        meeting.calendarID = calendarID
        meeting.sequence = sequence
        meeting.isInvitedByMail = isInvitedByMail
        if let newStart, let newEnd { meeting.newTime = newStart..<newEnd }
        meeting.isCancelRequested = isCancelRequested
        return meeting
    }
}
