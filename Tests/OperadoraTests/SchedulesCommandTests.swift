import Platform
import Postgres
import TestSupport
import Testing

@Suite struct SchedulesCommandTests {
    @Test("A schedule is set, listed, shown, paused, resumed and removed from the command line")
    func life() async throws {
        let database = try await TestDatabase.make()
        let environment = ["DATABASE_URL": database.connectionString]
        let set = try await Executable.run(
            "schedules", "set", "report", "30 9 * * *", "send_report", "--timezone", "Asia/Kathmandu", "--arguments",
            #"{"to":"sales"}"#, "--queue", "low", "--priority", "7", "--max-attempts", "3", "--catch-up", "2 hours",
            "--overlap", "--json", environment: environment)
        #expect(set.exit == .status(0), "\(set.error)")
        let made = try JSON(parsing: set.output)
        #expect(made["kind"] == "send_report" && made["arguments"] == ["to": "sales"] && made["queue"] == "low")
        #expect(made["priority"] == 7 && made["max_attempts"] == 3 && made["overlap"] == true)
        #expect(made["catch_up"] == "02:00:00" && made["paused_at"] == .null)

        let listed = try await Executable.run("schedules", "list", "--json", environment: environment)
        let ticks = try #require(try JSON(parsing: listed.output)[0]?["next_ticks"]?.array)
        #expect(ticks.count == 3 && ticks.allSatisfy { $0.string?.hasSuffix("T09:30:00+05:45") == true })
        let table = try await Executable.run("schedules", "list", environment: environment).output
        let lines = table.split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasPrefix("name") && lines[1].contains("active"))
        #expect(lines[1].split(separator: "09:30").count >= 3)

        let paused = try await Executable.run("schedules", "pause", "report", environment: environment)
        #expect(paused.exit == .status(0) && paused.output == "Schedule \"report\" is paused.\n")
        try await database.client.query(
            "INSERT INTO schedule_ticks (schedule, tick, job_id) VALUES ('report', now(), enqueue_job('send_report'))")
        try await database.client.query(
            "INSERT INTO schedule_ticks (schedule, tick) VALUES ('report', now() - interval '1 day')")
        let shown = try await Executable.run("schedules", "show", "report", "--json", environment: environment)
        let facts = try JSON(parsing: shown.output)
        #expect(facts["paused_at"]?.string?.hasSuffix("+05:45") == true && facts["next_ticks"] == [])
        #expect(facts["ticks"]?.array?.map { $0["state"] } == ["available", .null])
        let page = try await Executable.run("schedules", "show", "report", environment: environment).output
        #expect(page.contains("cron:          30 9 * * *") && page.contains("passed over"))

        let resumed = try await Executable.run("schedules", "resume", "report", environment: environment)
        #expect(resumed.output.contains("09:30 (Asia/Kathmandu)"))
        #expect(try await Executable.run("schedules", "remove", "report", environment: environment).exit == .status(0))
        #expect(try await Executable.run("schedules", "list", "--json", environment: environment).output == "[]\n")
    }

    @Test("What the database refuses is said in its words with its hint, and an unknown name with what there is")
    func refusals() async throws {
        let database = try await TestDatabase.make()
        let environment = ["DATABASE_URL": database.connectionString]
        try await database.client.query("SELECT set_schedule('report', '@daily', 'work')")
        let cases: [([String], String)] = [
            (
                ["set", "s", "0 25 * * *", "work"],
                "the hour of the cron expression is wrong: 25 is out of range. The hour is 0 to 23"
            ),
            (
                ["set", "s", "@daily", "work", "--timezone", "Mars/Olympus"],
                "there is no time zone Mars/Olympus. Give an IANA name"
            ),
            (["set", "s", "@daily", "work", "--catch-up", "soon"], "invalid input syntax for type interval"),
            (["pause", "repotr"], "there is no schedule \"repotr\". Did you mean 'report'? (operadora schedules list"),
            (["show", "repotr"], "Did you mean 'report'?"), (["resume", "x"], "there is no schedule \"x\""),
            (["remove", "x"], "there is no schedule \"x\""),
        ]
        for (words, message) in cases {
            let run = try Executable(["schedules"] + words, environment)
            async let rest = run.error.rest()
            #expect(try await run.process.exit() == .status(1), "\(words)")
            let error = await rest
            #expect(error.contains(message), "\(words): \(error)")
        }
        let usage = try await Executable.run(
            "schedules", "set", "s", "@daily", "work", "--arguments", "{", environment: environment)
        #expect(usage.exit == .status(2) && usage.error.contains("'--arguments' is not JSON"))
    }
}
