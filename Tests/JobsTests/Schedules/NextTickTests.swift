import Platform
import Postgres
import Testing

@Suite("The ticks of cron expressions", .timeLimit(.minutes(2)))
struct NextTickTests {
    private func check(_ cases: [TickCase]) async throws {
        try await JobBench.with { bench in
            for (cron, zone, after, ticks) in cases {
                let expected = ticks.split(separator: " ").map(String.init)
                let row = try await bench.sql(
                    """
                    SELECT found = \(expected)::timestamptz[], found::text
                    FROM (SELECT ARRAY(SELECT next_ticks(\(cron), \(zone), \(after)::timestamptz,
                        \(Int32(max(1, expected.count))))) AS found) AS found
                    """
                ).first
                let (isRight, found) = try #require(row).decode(Bool.self, String.self)
                #expect(isRight, "\(cron) in \(zone) after \(after): expected \(ticks), found \(found)")
            }
        }
    }

    @Test("Fields are *, numbers, names, lists, ranges and steps; or an expression is a name")
    func fields() async throws { try await check(FieldCases.fields) }

    @Test("Days are of the month or of the week when both are restricted, else of both; months end when they end")
    func days() async throws { try await check(FieldCases.days) }

    @Test(
        "A time that New York skips runs once after the gap, one that it repeats runs once; * hours run by elapsed time"
    )
    func newYork() async throws { try await check(DaylightSavingCases.newYork) }

    @Test("Madrid, where the change is at another hour")
    func madrid() async throws { try await check(DaylightSavingCases.madrid) }

    @Test("Santiago, where the change is at midnight: a day begins at one o'clock, another has 25 hours")
    func santiago() async throws { try await check(DaylightSavingCases.santiago) }

    @Test("Lord Howe, where the change is by half an hour")
    func lordHowe() async throws { try await check(DaylightSavingCases.lordHowe) }

    @Test("The time zone of the session changes nothing")
    func sessionZone() async throws {
        try await JobBench.with { bench in
            let ticks: PostgresQuery = """
                SELECT array_agg(tick)::text FROM (
                    SELECT extract(epoch FROM next_tick('*/30 0-2 * * *', 'America/Santiago',
                        timestamptz '2026-09-05 12:00Z' + hour * interval '1 hour')) AS tick
                    FROM generate_series(0, 40) AS hour) AS ticks
                """
            let expected = try await bench.value(ticks, String.self)
            try await bench.client.withConnection { connection in
                for zone in ["Pacific/Kiritimati", "America/Santiago", "Australia/Lord_Howe"] {
                    try await connection.query("SELECT set_config('timezone', \(zone), false)")
                    #expect(try await connection.query(ticks)[0].decode(String.self) == expected)
                }
            }
        }
    }

    @Test("The latest tick of a time is that which a walk through all its ticks ends with")
    func latestTick() async throws {
        try await JobBench.with { bench in
            let cases: [(String, days: Int32)] = [
                ("* * * * *", 1), ("*/7 * * * *", 1), ("0-20 9 * * *", 5), ("30 2 * * *", 40), ("0 0 1 * *", 400),
                ("0 0 29 2 *", 3000),
            ]
            for (cron, days) in cases {
                let wrong: [String] = try await bench.column(
                    """
                    WITH RECURSIVE bounds AS (
                        SELECT timestamptz '2026-11-01 12:00Z' - make_interval(days => \(days)) AS start,
                            timestamptz '2026-11-01 12:00Z' AS stop
                    ), walk (tick) AS (
                        SELECT start FROM bounds
                        UNION ALL SELECT next_tick(\(cron), 'America/New_York', tick) FROM walk, bounds WHERE tick < stop
                    )
                    SELECT format('%s from %s until %s', \(cron), after, until) FROM bounds,
                        generate_series(1, 7) AS n, generate_series(1, 5) AS m,
                        LATERAL (SELECT start + (stop - start) * n / 7 AS until) AS late,
                        LATERAL (SELECT until - (until - start) / m AS after) AS early
                    WHERE latest_tick(\(cron), 'America/New_York', after, until) IS DISTINCT FROM
                        (SELECT max(tick) FROM walk WHERE tick > after AND tick <= until)
                    """)
                #expect(wrong == [])
            }
        }
    }

    @Test("A tick years ahead is found without a walk through the minutes between")
    func far() async throws {
        try await JobBench.with { bench in
            // A walk over 2.6 million minutes takes seconds.
            try await bench.client.withConnection { connection in
                try await connection.query("SET statement_timeout = '1s'")
                for cron in ["0 0 30 2 *", "0 0 31 4,6 *", "0 0 29 2 *", "59 23 31 12 *"] {
                    try await connection.query(
                        "SELECT next_tick(\(cron), 'America/New_York', '2028-03-01Z'), count(*) FROM generate_series(1, 10)"
                    )
                }
                try await connection.query("RESET statement_timeout")
            }
        }
    }
}
