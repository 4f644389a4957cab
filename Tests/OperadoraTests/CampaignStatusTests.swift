import Platform
import Postgres
import Testing

@Suite("operadora campaign status", .timeLimit(.minutes(1)))
struct CampaignStatusTests {
    /// A running campaign with one lead in each of these zones, whose calls wait.
    private func launched(_ bench: CommandBench, window: String?, zones: [String?]) async throws {
        try await bench.sql("INSERT INTO campaigns (name, calling_window) VALUES ('Spring', \(window))")
        for (number, zone) in zones.enumerated() {
            try await bench.sql(
                """
                INSERT INTO leads (campaign_id, phone, timezone)
                SELECT id, \("+1212555010\(number)"), \(zone) FROM campaigns
                """)
        }
        try await bench.sql("SELECT launch_campaign(id) FROM campaigns")
    }

    /// Hours that begin in two to three hours in this zone: closed now.
    private static let closedWindow: PostgresQuery = """
        SELECT format('mon-sun %s:00-%s:59', lpad(hour::text, 2, '0'), lpad(hour::text, 2, '0'))
        FROM (SELECT extract(hour FROM (now() + interval '3 h') AT TIME ZONE 'Asia/Kathmandu')::int AS hour) AS next
        """

    @Test("While the calling window is closed, the next call is due when it first opens, in the zone of that lead")
    func closed() async throws {
        let bench = try await CommandBench()
        try await launched(
            bench, window: try await bench.value(Self.closedWindow), zones: ["Asia/Karachi", "Asia/Kathmandu"])
        // Kathmandu is 45 minutes ahead of Karachi.
        let (instant, day) = try await bench.sql(
            """
            SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                to_char(at AT TIME ZONE 'Asia/Kathmandu', 'Dy YYYY-MM-DD HH24:MI')
            FROM campaigns, next_opening(calling_window, 'Asia/Kathmandu', now()) AS at
            """
        )[0].decode(String.self, String.self)
        #expect(instant.hasSuffix(":15:00Z") && day.hasSuffix(":00"))
        #expect(try await bench.run("campaign", "status", "Spring", "--json").json["next_call_at"]?.string == instant)
        let table = try await bench.run("campaign", "status", "Spring").output
        #expect(table.contains("\nnext call due: \(day) Asia/Kathmandu\n"), "\(table)")

        try await bench.sql("UPDATE calls SET timezone = NULL")
        let usual = try await bench.run(
            ["campaign", "status", "--json"], environment: ["BUSINESS_TIMEZONE": "Asia/Kathmandu"])
        #expect(try usual.json[0]?["next_call_at"]?.string == instant)
    }

    @Test("While the window is open the next call is due by its job: now, or when it was put off to; of a pause never")
    func open() async throws {
        let bench = try await CommandBench()
        try await launched(bench, window: nil, zones: ["Europe/London", "Europe/London"])
        #expect(try await bench.run("campaign", "status", "Spring").output.contains("\nnext call due: now\n"))
        try await bench.sql(
            "UPDATE jobs SET state = 'scheduled', run_at = '2999-11-23 09:00Z' WHERE kind = 'initiate_call'")
        let table = try await bench.run("campaign", "status", "Spring").output
        #expect(table.contains("\nnext call due: Sat 2999-11-23 09:00 Europe/London\n"), "\(table)")
        let facts = try await bench.run("campaign", "status", "Spring", "--json").json
        #expect(facts["next_call_at"] == "2999-11-23T09:00:00Z")

        try await bench.sql("SELECT pause_campaign(id) FROM campaigns")
        #expect(try await bench.run("campaign", "status", "Spring", "--json").json["next_call_at"] == .null)
        #expect(try await bench.run("campaign", "status", "Spring").output.contains("due") == false)
    }
}
