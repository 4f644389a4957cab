import FoundationEssentials
import Platform
import Postgres

/// A schedule as the commands show it: its times are those of its own zone.
struct ShownSchedule: Sendable {
    let name: String
    let zone: Zone
    let isPaused: Bool
    let nextTicks: [Date]
    let lastRun: Date?
    /// For scripts: the columns, times in ISO 8601 with offset.
    let json: JSON

    /// In the order of their names; the one of that name when there is one.
    static func load(_ name: String?, _ client: PostgresClient) async throws -> [ShownSchedule] {
        try await client.query(
            """
            SELECT s.name, s.timezone, s.paused_at, s.last_run_at,
                ARRAY(SELECT next_ticks(s.cron, s.timezone, clock_timestamp(), 3) WHERE s.paused_at IS NULL),
                to_jsonb(s) - '{declared,next_run_at,created_at,updated_at}'::text[]
            FROM schedules s WHERE s.name = \(name) OR \(name) IS NULL
            ORDER BY s.name LIMIT 10000
            """
        ).map { try ShownSchedule($0) }
    }

    private init(_ row: PostgresRow) throws {
        let (name, timezone, pausedAt, lastRun, nextTicks, columns) = try row.decode(
            String.self, String.self, Date?.self, Date?.self, [Date].self, JSON.self)
        let zone = Zone(identifier: timezone) ?? .utc
        var members = columns.object ?? [:]
        members["paused_at"] = pausedAt.map { .string(zone.iso8601($0)) } ?? .null
        members["last_run_at"] = lastRun.map { .string(zone.iso8601($0)) } ?? .null
        members["next_ticks"] = .array(nextTicks.map { .string(zone.iso8601($0)) })
        self.name = name
        self.zone = zone
        self.isPaused = pausedAt != nil
        self.nextTicks = nextTicks
        self.lastRun = lastRun
        json = .object(members)
    }

    /// On the wall clock of its zone: "2026-11-23 09:30".
    func wallClock(_ date: Date) -> String {
        String(zone.iso8601(date).prefix(16)).replacing("T", with: " ")
    }
}

/// What commands do with the schedule that a command line names.
enum Schedules {
    /// Throws `CommandFailure` that says what there is.
    static func find(_ name: String, _ client: PostgresClient) async throws -> ShownSchedule {
        guard let schedule = try await ShownSchedule.load(name, client).first else {
            throw try await unknown(name, client)
        }
        return schedule
    }

    /// Calls a function of the database on it, and says in the terminal's words why it was refused.
    static func change(_ name: String, _ query: PostgresQuery, _ client: PostgresClient) async throws -> PostgresResult
    {
        do {
            return try await client.query(query)
        } catch let error as PostgresError where error.sqlState == "23503" {
            throw try await unknown(name, client)
        } catch let error as PostgresError where ["22", "23"].contains(error.sqlState?.prefix(2)) {
            // The words are the caller's own: nothing has to be hidden.
            throw CommandFailure(error.message + (error.hint.map { ". \($0)" } ?? ""))
        }
    }

    private static func unknown(_ name: String, _ client: PostgresClient) async throws -> CommandFailure {
        let names = try await client.query("SELECT name FROM schedules ORDER BY name LIMIT 1000")
            .map { try $0.decode(String.self) }
        return CommandFailure(
            "there is no schedule \"\(name)\"\(Suggestion.text(for: name, among: names)) "
                + "(operadora schedules list shows them)")
    }
}
