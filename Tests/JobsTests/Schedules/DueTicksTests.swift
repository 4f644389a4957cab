import FoundationEssentials
import Platform
import Postgres
import TestSupport
import Testing

@testable import Jobs

@Suite("Due ticks", .timeLimit(.minutes(2)))
struct DueTicksTests {
    @Test("Ten tickers at once enqueue one job for each tick of each schedule")
    func tenTickers() async throws {
        try await DatabaseClock.with("2026-11-21 10:00:00Z", maximumConnections: 10) { bench, clock in
            let schedules = 12
            for number in 0..<schedules {
                try await bench.sql("SELECT set_schedule(\("s\(number)"), '* * * * *', 'work', overlap => true)")
            }
            for minute in 1...15 {
                try await clock.set("2026-11-21 10:00:00Z", plus: .seconds(minute * 60 + 1))
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<10 {
                        group.addTask { try await bench.sql("SELECT * FROM enqueue_due_ticks(3)") }
                    }
                    try await group.waitForAll()
                }
                // Of what was locked just then, someone comes back.
                while try await bench.value("SELECT due FROM enqueue_due_ticks(100)", Int.self) > 0 {}
            }
            let (ticks, jobs, ids) = try #require(
                await bench.sql("SELECT count(*), count(job_id), count(DISTINCT job_id) FROM schedule_ticks").first
            ).decode(Int.self, Int.self, Int.self)
            #expect(ticks == 15 * schedules && jobs == ticks && ids == ticks)
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == ticks)
        }
    }

    @Test("A tick that has its row is never enqueued again, whatever next_run_at says")
    func tickRow() async throws {
        try await DatabaseClock.with("2026-11-21 10:00:30Z") { bench, clock in
            try await bench.sql("SELECT set_schedule('s', '* * * * *', 'work', overlap => true)")
            try await clock.set("2026-11-21 10:01:10Z")
            for _ in 0..<3 {
                try await bench.sql("SELECT * FROM enqueue_due_ticks(100)")
                try await bench.sql("UPDATE schedules SET next_run_at = '2026-11-21 10:00:00Z'")
            }
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == 1)
        }
    }

    @Test("A ticker that dies before its commit leaves the tick to another; meanwhile nobody waits for it")
    func diesBeforeCommit() async throws {
        try await DatabaseClock.with("2026-11-21 10:00:30Z") { bench, clock in
            for name in ["held", "free"] {
                try await bench.sql("SELECT set_schedule(\(name), '* * * * *', \(name))")
            }
            try await clock.set("2026-11-21 10:01:00Z")
            try await bench.client.withConnection { connection in
                try await connection.query("BEGIN")
                try await connection.query("SELECT FROM schedules WHERE name = 'held' FOR UPDATE")
                let row = try await bench.sql("SELECT enqueued, next_in FROM enqueue_due_ticks(100)").first
                let (enqueued, nextIn) = try #require(row).decode(Int.self, Double.self)
                // What another one is at may be there again at any moment.
                #expect(enqueued == 1 && nextIn == 0)
                try await connection.query("SELECT * FROM enqueue_due_ticks(100)")
                #expect(try await connection.query("SELECT count(*) FROM jobs")[0].decode(Int.self) == 2)
                try await connection.query("ROLLBACK")
            }
            #expect(try await bench.column("SELECT kind::text FROM jobs", String.self) == ["free"])
            try await bench.sql("SELECT * FROM enqueue_due_ticks(100)")
            #expect(try await bench.value("SELECT count(*) FROM jobs WHERE kind = 'held'", Int.self) == 1)
        }
    }

    @Test("What is due is decided by the database's clock: the workers' statement carries no time")
    func databaseClock() async throws {
        try await DatabaseClock.with("2040-02-28 23:59:59Z") { bench, clock in
            try await bench.sql("SELECT set_schedule('leap', '0 12 29 2 *', 'work')")
            let tick = Statements.enqueueDueTicks(atMost: 100)
            #expect(tick.binds.count == 1)
            for (time, next) in [("2040-02-28 23:59:59Z", 43_201.0), ("2040-02-29 11:59:59Z", 1)] {
                try await clock.set(time)
                let (due, _, _, nextIn) = try #require(await bench.sql(tick).first)
                    .decode(Int.self, Int.self, [String].self, Double.self)
                #expect(due == 0 && nextIn == next)
            }
            try await clock.set("2040-02-29 12:00:00Z")
            #expect(try await bench.value("SELECT enqueued FROM enqueue_due_ticks(100)", Int.self) == 1)
            let right: PostgresQuery = """
                SELECT last_run_at = '2040-02-29 12:00Z' AND next_run_at = '2044-02-29 12:00Z' AND last_job_id = jobs.id
                FROM schedules, jobs
                """
            #expect(try await bench.value(right, Bool.self))
        }
    }

    @Test(
        "Of missed ticks the latest runs once if it is younger than catch_up, older ones are passed over",
        arguments: [
            // The workers come back at 12:30:10; the ticks were missed since 06:00.
            ("*/10 * * * *", "1 hour", "2026-11-21 12:30:00Z"), ("0 * * * *", "1 hour", "2026-11-21 12:00:00Z"),
            ("0 11 * * *", "1 hour", nil), ("0 11 * * *", "2 hours", "2026-11-21 11:00:00Z"),
            ("0 7,8 * * *", "1 day", "2026-11-21 08:00:00Z"), ("29 12 * * *", "1 minute", nil),
            ("30 12 * * *", "1 minute", "2026-11-21 12:30:00Z"),
        ] as [(String, String, String?)])
    func missed(cron: String, catchUp: String, expected: String?) async throws {
        try await DatabaseClock.with("2026-11-21 06:00:00Z") { bench, clock in
            try await bench.sql(
                "SELECT set_schedule('s', \(cron), 'work', catch_up => \(catchUp)::interval, overlap => true)")
            try await clock.set("2026-11-21 12:30:10Z")
            for _ in 0..<3 { try await bench.sql("SELECT * FROM enqueue_due_ticks(100)") }
            let ticks: [Date] = try await bench.column("SELECT tick FROM schedule_ticks WHERE job_id IS NOT NULL")
            let wanted: [Date] = try await bench.column(
                "SELECT at::timestamptz FROM unnest(\(expected.map { [$0] } ?? [])) AS at")
            #expect(ticks == wanted)
            #expect(try await bench.value("SELECT count(*) FROM jobs", Int.self) == wanted.count)
            let goesOn: PostgresQuery =
                "SELECT next_run_at = next_tick(cron, timezone, '2026-11-21 12:30:10Z') FROM schedules"
            #expect(try await bench.value(goesOn, Bool.self))
        }
    }

    @Test("A tick is passed over while the job of an earlier one waits or runs; with overlap it is not")
    func overlap() async throws {
        try await DatabaseClock.with("2026-11-21 10:00:00Z") { bench, clock in
            try await bench.sql("SELECT set_schedule('single', '* * * * *', 'work')")
            try await bench.sql("SELECT set_schedule('many', '* * * * *', 'other', overlap => true)")
            func tick(_ minute: Int) async throws {
                try await clock.set("2026-11-21 10:00:00Z", plus: .seconds(minute * 60))
                try await bench.sql("SELECT * FROM enqueue_due_ticks(100)")
            }
            for minute in 1...3 { try await tick(minute) }
            let passedOver: PostgresQuery = """
                SELECT count(*) FROM schedule_ticks WHERE schedule = 'single' AND job_id IS NULL
                """
            #expect(try await bench.value(passedOver, Int.self) == 2)
            #expect(try await bench.value("SELECT count(*) FROM jobs WHERE kind = 'work'", Int.self) == 1)
            #expect(try await bench.value("SELECT count(*) FROM jobs WHERE kind = 'other'", Int.self) == 3)
            try await bench.sql("SELECT cancel_job(id) FROM jobs WHERE kind = 'work'")
            try await tick(4)
            #expect(try await bench.value("SELECT count(*) FROM jobs WHERE kind = 'work'", Int.self) == 1)
            #expect(try await bench.value(passedOver, Int.self) == 2)
        }
    }

    @Test("A paused schedule enqueues nothing; resumed, it goes on with the next tick")
    func pause() async throws {
        try await DatabaseClock.with("2026-11-21 10:00:00Z") { bench, clock in
            try await bench.sql("SELECT set_schedule('s', '*/10 * * * *', 'work', overlap => true)")
            #expect(try await bench.value("SELECT pause_schedule('s')", Bool.self))
            #expect(try await !bench.value("SELECT pause_schedule('s')", Bool.self))
            // A new definition does not wake it.
            try await bench.sql("SELECT set_schedule('s', '*/5 * * * *', 'work', overlap => true)")
            try await clock.set("2026-11-21 10:33:00Z")
            let tick: PostgresQuery = "SELECT enqueued FROM enqueue_due_ticks(100)"
            #expect(try await bench.value(tick, Int.self) == 0)
            #expect(try await bench.value("SELECT resume_schedule('s')", Bool.self))
            #expect(try await !bench.value("SELECT resume_schedule('s')", Bool.self))
            #expect(try await bench.value(tick, Int.self) == 0)
            try await clock.set("2026-11-21 10:35:00Z")
            #expect(try await bench.value(tick, Int.self) == 1)
        }
    }

    @Test("Setting the same times again loses no tick that is due; other times start anew")
    func setAgain() async throws {
        try await DatabaseClock.with("2026-11-21 10:00:00Z") { bench, clock in
            try await bench.sql("SELECT set_schedule('s', '5 * * * *', 'work')")
            try await clock.set("2026-11-21 10:05:01Z")
            try await bench.sql("SELECT set_schedule('s', '5 * * * *', 'work', priority => 7)")
            #expect(try await bench.value("SELECT enqueued FROM enqueue_due_ticks(100)", Int.self) == 1)
            #expect(try await bench.value("SELECT priority::integer FROM jobs", Int.self) == 7)
            let next: PostgresQuery = "SELECT set_schedule('s', '2 * * * *', 'work') = '2026-11-21 11:02Z'"
            #expect(try await bench.value(next, Bool.self))
        }
    }

    @Test("A schedule that cannot be enqueued says why, and the others go on")
    func poison() async throws {
        try await DatabaseClock.with("2026-11-21 10:00:00Z") { bench, clock in
            for name in ["bad", "good", "lost"] {
                try await bench.sql("SELECT set_schedule(\(name), '* * * * *', \(name))")
            }
            try await bench.sql("ALTER TABLE jobs ADD CONSTRAINT bad_is_refused CHECK (kind <> 'bad')")
            // As after an update of the server's zone files.
            try await bench.sql("ALTER TABLE schedules DROP CONSTRAINT schedule_timezone_is_known")
            try await bench.sql("UPDATE schedules SET timezone = 'Mars/Olympus' WHERE name = 'lost'")
            try await clock.set("2026-11-21 10:01:00.5Z")
            let row = try await bench.sql("SELECT enqueued, failed FROM enqueue_due_ticks(100)").first
            let (enqueued, failed) = try #require(row).decode(Int.self, [String].self)
            #expect(enqueued == 1 && Set(failed) == ["bad", "lost"])
            let reasons: [String] = try await bench.column(
                "SELECT last_error FROM schedules WHERE last_error IS NOT NULL ORDER BY name")
            #expect(reasons.count == 2 && reasons[0].contains("bad_is_refused") && reasons[1].contains("no time zone"))
            try await bench.sql("ALTER TABLE jobs DROP CONSTRAINT bad_is_refused")
            try await bench.sql("UPDATE schedules SET timezone = 'UTC' WHERE name = 'lost'")
            for time in ["2026-11-21 10:02:01Z", "2026-11-21 10:03:01Z"] {
                try await clock.set(time)
                try await bench.sql("SELECT * FROM enqueue_due_ticks(100)")
            }
            // The first tick after its constraint was gone; the lost zone may cost one more.
            let ran: PostgresQuery = """
                SELECT string_agg(schedule || ' ' || minute, ', ' ORDER BY schedule) FROM (
                    SELECT schedule, min(to_char(tick AT TIME ZONE 'UTC', 'MI')) AS minute
                    FROM schedule_ticks WHERE job_id IS NOT NULL GROUP BY schedule) AS first_ticks
                """
            #expect(try await bench.value(ran, String.self) == "bad 02, good 01, lost 03")
            #expect(try await bench.value("SELECT count(*) FROM schedules WHERE last_error IS NULL", Int.self) == 3)
        }
    }
}
