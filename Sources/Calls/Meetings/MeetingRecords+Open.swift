import FoundationEssentials
import Platform
import Postgres

/// A meeting that the calendar has not answered about: a reservation, a move or a cancellation whose worker died, or whose
/// answer was lost; or a reservation that was given up before its event was made, and the event has to go.
struct OpenMeeting: Sendable {
    var meeting: Meeting
    /// Since it was asked for, by the database's clock, when the row was read.
    var age: Duration
    var language: Language
    var zone: Zone
}

extension MeetingRecords {
    private static let changeRequestedAt = "coalesce(cancel_requested_at, move_requested_at)"

    /// Meetings of a call that wait for the calendar's word.
    func open(in callID: Int64) async throws -> [OpenMeeting] {
        try await services.postgres.query(
            """
            SELECT \(unsafe: Self.openColumns) FROM meetings
            WHERE call_id = \(callID)
                AND (status = 'reserved' OR status = 'confirmed' AND \(unsafe: Self.changeRequestedAt) IS NOT NULL)
            ORDER BY id
            """
        ).map(openMeeting)
    }

    /// How many wait for the word of a calendar that is not configured: nobody can be asked about them.
    func countElsewhere(olderThan age: Duration) async throws -> Int {
        try await services.postgres.query(
            """
            SELECT count(*) FROM meetings
            WHERE (status = 'reserved'
                    OR status = 'confirmed' AND (move_requested_at IS NOT NULL OR cancel_requested_at IS NOT NULL)
                    OR status = 'failed' AND cancel_requested_at IS NOT NULL)
                AND (calendar_id <> \(services.settings.calendarID)
                    OR status = 'confirmed' AND (calendar_link IS NOT NULL) <> \(services.calendar.linksEvents))
                AND coalesce(\(unsafe: Self.changeRequestedAt), created_at)
                    < now() - make_interval(secs => \(age.inSeconds))
            """
        )[0].decode(Int.self)
    }

    /// Some in the configured calendar that no call will settle, in no order, so that those of which the calendar cannot say
    /// anything leave the others their turn: reserved without a call, or by one whose outcome is written; or to be moved or
    /// cancelled, by whomever; or given up, with an event that has to go.
    func forgotten(olderThan age: Duration, limit: Int) async throws -> [OpenMeeting] {
        let results = try await services.postgres.batch([
            """
            SELECT \(unsafe: Self.openColumns) FROM meetings
            WHERE calendar_id = \(services.settings.calendarID) AND status = 'reserved'
                AND created_at < now() - make_interval(secs => \(age.inSeconds))
                AND NOT EXISTS (SELECT FROM calls WHERE calls.id = call_id AND finalized_at IS NULL)
            ORDER BY random() LIMIT \(limit)
            """,
            """
            SELECT \(unsafe: Self.openColumns) FROM meetings
            WHERE calendar_id = \(services.settings.calendarID) AND status = 'confirmed'
                AND (calendar_link IS NOT NULL) = \(services.calendar.linksEvents)
                AND (move_requested_at IS NOT NULL OR cancel_requested_at IS NOT NULL)
                AND \(unsafe: Self.changeRequestedAt) < now() - make_interval(secs => \(age.inSeconds))
            ORDER BY random() LIMIT \(limit)
            """,
            """
            SELECT \(unsafe: Self.openColumns) FROM meetings
            WHERE calendar_id = \(services.settings.calendarID) AND status = 'failed'
                AND cancel_requested_at < now() - make_interval(secs => \(age.inSeconds))
            ORDER BY random() LIMIT \(limit)
            """,
        ])
        return try results.flatMap { try $0.map(openMeeting) }
    }

    private static let openColumns = """
        \(columns), extract(epoch FROM clock_timestamp() - coalesce(\(changeRequestedAt), created_at))::float8 AS age,
        (SELECT language FROM calls WHERE calls.id = call_id) AS language,
        (SELECT timezone FROM calls WHERE calls.id = call_id) AS timezone
        """

    private func openMeeting(_ row: PostgresRow) throws -> OpenMeeting {
        let settings = services.settings
        let language = try row.decode(String?.self, column: "language") ?? settings.defaultLanguage
        let timezone = try row.decode(String?.self, column: "timezone") ?? settings.businessTimezone
        return OpenMeeting(
            meeting: try Self.meeting(row), age: .seconds(try row.decode(Double.self, column: "age")),
            language: Language(code: language), zone: Zone(identifier: timezone) ?? .utc)
    }
}
