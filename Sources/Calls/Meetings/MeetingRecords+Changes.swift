import FoundationEssentials
import Jobs
import Postgres

/// The statements by which a meeting is moved or cancelled. What is wanted is committed before the calendar is asked, so that
/// whoever finds the row knows what was under way.
extension MeetingRecords {
    enum Intent: Sendable {
        case made(Meeting)
        /// It was wanted already: somebody may have asked the calendar for it.
        case madeBefore(Meeting)
        /// Another meeting of ours stands at that time.
        case taken
        /// As the row stands: it is being changed otherwise, or is not confirmed any more.
        case not(Meeting?)
    }

    /// Takes the new time beside the old one. Wanting the same again changes nothing.
    func beginMove(_ meeting: Meeting, to time: Range<Date>) async throws -> Intent {
        do {
            let results = try await services.postgres.batch([
                Self.lock(meeting),
                """
                UPDATE meetings SET new_starts_at = \(time.lowerBound), new_ends_at = \(time.upperBound),
                    move_requested_at = coalesce(move_requested_at, now())
                FROM (SELECT move_requested_at IS NOT NULL FROM meetings WHERE id = \(meeting.id)) AS before (was_moving)
                WHERE id = \(meeting.id) AND status = 'confirmed' AND cancel_requested_at IS NULL
                    AND coalesce((new_starts_at, new_ends_at) = (\(time.lowerBound), \(time.upperBound)),
                        move_requested_at IS NULL)
                RETURNING \(unsafe: Self.columns), was_moving
                """,
            ])
            return try await intent(results[1], meeting) { try $0.decode(Bool.self, column: "was_moving") }
        } catch let error as PostgresError where error.sqlState == "23P01" {
            return .taken
        }
    }

    /// The calendar has it at the new time: from now on so has the table. The reminder is set anew, and a guest who was
    /// invited by mail is told by mail. So it is when another one's request for the same was refused meanwhile and the wish was
    /// dropped: what the calendar made stands. Nil when somebody else was faster, or gave the time to another meeting.
    func finishMove(_ meeting: Meeting, to time: Range<Date>, link: String?, notice: Email?) async throws -> Meeting? {
        do {
            return try await writeMove(meeting, to: time, link: link, notice: notice)
        } catch let error as PostgresError where error.sqlState == "23P01" {
            return nil
        }
    }

    private func writeMove(
        _ meeting: Meeting, to time: Range<Date>, link: String?, notice: Email?
    ) async throws -> Meeting? {
        try await services.postgres.withTransaction { connection in
            try await connection.query(Self.lock(meeting))
            let isTold = notice != nil && services.mailer != nil
            let rows = try await connection.query(
                """
                UPDATE meetings SET starts_at = \(time.lowerBound), ends_at = \(time.upperBound), new_starts_at = NULL,
                    new_ends_at = NULL, move_requested_at = NULL, sequence = sequence + 1,
                    calendar_link = coalesce(\(link), calendar_link),
                    is_invited_by_mail = is_invited_by_mail OR \(isTold)
                WHERE id = \(meeting.id) AND status = 'confirmed'
                    AND coalesce((new_starts_at, new_ends_at) = (\(time.lowerBound), \(time.upperBound)),
                        (starts_at, ends_at, sequence) = (\(meeting.startsAt), \(meeting.endsAt), \(meeting.sequence)))
                RETURNING \(unsafe: Self.columns)
                """)
            guard let moved = try rows.first.map(Self.meeting) else { return nil }
            try await dropReminder(of: meeting, in: connection)
            try await remind(of: moved, in: connection)
            if let notice { try await mail(notice, of: moved, in: connection) }
            return moved
        }
    }

    /// The calendar refused that time: the meeting stays where it is, and the time is free again. False when it is not being
    /// moved there any more; what it is being moved to by others stands.
    func dropMove(_ meeting: Meeting, to time: Range<Date>) async throws -> Bool {
        try await services.postgres.query(
            """
            UPDATE meetings SET new_starts_at = NULL, new_ends_at = NULL, move_requested_at = NULL
            WHERE id = \(meeting.id) AND status = 'confirmed'
                AND (new_starts_at, new_ends_at) = (\(time.lowerBound), \(time.upperBound))
            """
        ).affectedRows > 0
    }

    /// From here on it will be cancelled, whatever dies. Wanting the same again changes nothing.
    func beginCancel(_ meeting: Meeting) async throws -> Intent {
        let rows = try await services.postgres.query(
            """
            UPDATE meetings SET cancel_requested_at = coalesce(cancel_requested_at, now())
            WHERE id = \(meeting.id) AND status = 'confirmed' RETURNING \(unsafe: Self.columns)
            """)
        // Deleting again does no harm, whoever wanted it first.
        return try await intent(rows, meeting) { _ in false }
    }

    /// The calendar does not have it any more. Nil when somebody else was faster.
    func finishCancel(_ meeting: Meeting, reason: String, notice: Email?) async throws -> Meeting? {
        try await services.postgres.withTransaction { connection in
            let rows = try await connection.query(
                """
                UPDATE meetings SET status = 'cancelled', reason = \(reason), sequence = sequence + 1,
                    new_starts_at = NULL, new_ends_at = NULL, move_requested_at = NULL
                WHERE id = \(meeting.id) AND status = 'confirmed' RETURNING \(unsafe: Self.columns)
                """)
            guard let cancelled = try rows.first.map(Self.meeting) else { return nil }
            try await dropReminder(of: meeting, in: connection)
            if services.mailer != nil, let notice {
                let job = SendEmail(notice)
                try await services.queue.enqueue(job, job.options, in: connection)
            }
            return cancelled
        }
    }

    /// As it stands.
    func meeting(_ id: Int64) async throws -> Meeting? {
        try await services.postgres.query("SELECT \(unsafe: Self.columns) FROM meetings WHERE id = \(id)").first
            .map(Self.meeting)
    }

    private func intent(
        _ rows: PostgresResult, _ meeting: Meeting, wasMade: (PostgresRow) throws -> Bool
    ) async throws -> Intent {
        guard let row = rows.first else { return .not(try await self.meeting(meeting.id)) }
        return try wasMade(row) ? .madeBefore(Self.meeting(row)) : .made(Self.meeting(row))
    }

    private func dropReminder(of meeting: Meeting, in connection: PostgresConnection) async throws {
        let name = RemindGuest(meetingID: meeting.id, sequence: meeting.sequence).name
        try await connection.query("SELECT cancel_job(id) FROM jobs WHERE unique_key = \(name)")
    }
}
