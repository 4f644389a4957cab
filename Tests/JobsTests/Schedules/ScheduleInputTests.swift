import Platform
import Postgres
import Testing

@Suite("Bad input for schedules", .timeLimit(.minutes(1)))
struct ScheduleInputTests {
    /// What the database says: SQLSTATE, message and hint.
    private func refusal(_ bench: JobBench, _ query: PostgresQuery) async throws -> PostgresError {
        let error = await #expect(throws: PostgresError.self) { try await bench.sql(query) }
        return try #require(error)
    }

    @Test("A wrong expression is refused by the field that is wrong, with the range that is right")
    func expressions() async throws {
        let cases = [
            ("60 * * * *", "the minute of the cron expression is wrong: 60 is out of range", "The minute is 0 to 59:"),
            ("1,,2 * * * *", "the minute of the cron expression is wrong: an empty item cannot be read", "0 to 59"),
            ("*/0 * * * *", "*/0 has a step that is out of range", "a step of 1 to 59"),
            ("*/60 * * * *", "*/60 has a step that is out of range", "a step of 1 to 59"),
            ("-5 * * * *", "the minute of the cron expression is wrong: -5 cannot be read", "0 to 59"),
            ("99999999999 * * * *", "99999999999 cannot be read", "0 to 59"),
            ("1.5 * * * *", "1.5 cannot be read", "0 to 59"), ("' * * * *", "' cannot be read", "0 to 59"),
            ("0 24 * * *", "the hour of the cron expression is wrong: 24 is out of range", "The hour is 0 to 23:"),
            ("0 22-2 * * *", "22-2 runs backwards: write two ranges", "The hour is 0 to 23:"),
            ("0 0 0 * *", "the day of month of the cron expression is wrong: 0 is out", "The day of month is 1 to 31:"),
            ("0 0 32 * *", "32 is out of range", "1 to 31"), ("0 0 L * *", "l cannot be read", "1 to 31"),
            ("0 0 ? * *", "? cannot be read", "1 to 31"),
            ("0 0 1 13 *", "the month of the cron expression is wrong: 13 is", "The month is 1 to 12 or jan to dec:"),
            ("0 0 1 mon *", "mon has an unknown name", "jan to dec"),
            ("0 0 1 january *", "january cannot be read", "jan to dec"),
            ("0 0 * * 8", "the day of week of the cron expression is wrong: 8", "is 0 to 7 or sun to sat:"),
            ("0 0 * * fri-mon", "fri-mon runs backwards", "sun to sat"),
            ("0 0 * * mon#1", "mon#1 cannot be read", "sun"),
            ("0 0 * *", "a cron expression has five fields, this one has 4", "minute, hour, day of month, month"),
            ("0 0 0 * * *", "this one has 6", "such as 30 9 * * mon-fri"), ("", "this one has 0", "@hourly"),
            ("@reboot", "there is no cron expression @reboot", "@daily"),
            (String(repeating: "1,", count: 300), "at most 500 bytes, this one has 600", "minute, hour"),
        ]
        try await JobBench.with { bench in
            for (cron, message, hint) in cases {
                for query in [
                    "SELECT next_tick(\(cron), 'UTC', now())", "SELECT set_schedule('s', \(cron), 'work')",
                ] as [PostgresQuery] {
                    let error = try await refusal(bench, query)
                    #expect(error.sqlState == "22023", "\(cron)")
                    #expect(error.message.contains(message), "\(cron): \(error.message)")
                    #expect(error.hint?.contains(hint) == true, "\(cron): \(error.hint ?? "no hint")")
                }
            }
            #expect(try await bench.value("SELECT count(*) FROM schedules", Int.self) == 0)
        }
    }

    @Test("What set_schedule cannot use is refused with class 22 or 23, a message and a hint")
    func definitions() async throws {
        let long = String(repeating: "n", count: 101)
        let cases: [(PostgresQuery, String)] = [
            (
                "SELECT set_schedule('s', '@daily', 'work', timezone => 'Mars/Olympus')",
                "there is no time zone Mars/Olympus"
            ),
            ("SELECT set_schedule('s', '@daily', 'work', timezone => 'CST')", "there is no time zone CST"),
            ("SELECT set_schedule('s', '@daily', 'work', timezone => 'Mine/Own+6')", "there is no time zone"),
            ("SELECT set_schedule('s', '0 0 30 2 *', 'work')", "has no tick within five years"),
            ("SELECT set_schedule('', '@daily', 'work')", "the name of the schedule is empty or too long"),
            ("SELECT set_schedule(\(long), '@daily', 'work')", "the name of the schedule is empty or too long"),
            ("SELECT set_schedule(NULL, '@daily', 'work')", "an argument of set_schedule is NULL"),
            ("SELECT set_schedule('s', NULL, 'work')", "an argument of set_schedule is NULL"),
            ("SELECT set_schedule('s', '@daily', '')", "the kind of the job is empty or too long"),
            (
                "SELECT set_schedule('s', '@daily', 'work', queue => \(long))",
                "the name of the queue is empty or too long"
            ),
            ("SELECT set_schedule('s', '@daily', 'work', priority => -1)", "priority -1 is out of range"),
            ("SELECT set_schedule('s', '@daily', 'work', priority => 32768)", "priority 32768 is out of range"),
            ("SELECT set_schedule('s', '@daily', 'work', max_attempts => 0)", "max_attempts 0 is out of range"),
            ("SELECT set_schedule('s', '@daily', 'work', catch_up => '59 s')", "catch_up 00:00:59 is out of range"),
            ("SELECT set_schedule('s', '@daily', 'work', catch_up => '367 days')", "catch_up 367 days is out of range"),
            (
                "SELECT set_schedule('s', '@daily', 'work', to_jsonb(repeat('x', 1048577)))",
                "the arguments of the job are too large"
            ),
            ("SELECT pause_schedule('s')", "there is no schedule s"),
            ("SELECT resume_schedule(NULL)", "no schedule NULL"),
            ("SELECT remove_schedule('s')", "there is no schedule s"),
            ("SELECT next_ticks('@daily', 'UTC', now(), -1)", "next_ticks was asked for -1 ticks"),
        ]
        try await JobBench.with { bench in
            for (query, message) in cases {
                let error = try await refusal(bench, query)
                #expect(["22", "23"].contains(error.sqlState?.prefix(2)), "\(message)")
                #expect(error.message.contains(message), "\(error.message)")
                #expect(error.hint?.isEmpty == false, "\(message)")
            }
            #expect(try await bench.value("SELECT count(*) FROM schedules", Int.self) == 0)
        }
    }

    @Test("Nothing comes after the end of time")
    func infinity() async throws {
        try await JobBench.with { bench in
            let found: [Int] = try await bench.column(
                """
                SELECT num_nonnulls(next_tick('@daily', 'UTC', after))
                FROM unnest(ARRAY['infinity', '-infinity', NULL]::timestamptz[]) AS after
                """)
            #expect(found == [0, 0, 0])
        }
    }
}
