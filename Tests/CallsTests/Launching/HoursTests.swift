import FoundationEssentials
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("Calling windows in the schema")
struct HoursTests {
    @Test("The schema and the configuration read the same texts as hours, and refuse the same")
    func grammar() async throws {
        let database = try await TestDatabase.make()
        let texts = [
            "mon-fri 09:00-18:00", "mon-fri 09:00-18:00, sat 10:00-14:00", "fri-mon 22:00-24:00", "wed 00:00-00:01",
            " tue  09:00-10:00 ", "mon 09:00-12:00, mon 11:00-13:00", "", "mon", "mon 9:00-18:00", "mon 09:00-24:01",
            "mon 10:00-09:00", "mon 09:00-09:00", "Mon 09:00-10:00", "mon 09:00-10:00,", "mo 09:00-10:00",
            "mon 24:00-24:00",
            "mon 09:60-10:00", "mon-tue-wed 09:00-10:00",
        ]
        for text in texts {
            let row = try await database.client.query(
                """
                SELECT is_weekly_hours(\(text)), ARRAY(SELECT lower(span) || '-' || upper(span)
                    FROM unnest(weekly_minutes(\(text))) AS span ORDER BY span)
                """)[0]
            let (isHours, spans) = try row.decode(Bool.self, [String].self)
            let hours = try? WeeklyHours(text)
            #expect(isHours == (hours != nil), "\(text)")
            #expect(spans == (hours?.open ?? []).map { "\($0.lowerBound)-\($0.upperBound)" }, "\(text)")
        }
    }

    /// Zone, hours, from, opens.
    private static let openings = [
        ("America/Mexico_City", "mon-fri 09:00-20:00", "2026-03-06T15:30:00Z", "2026-03-06T15:30:00Z"),
        ("America/Mexico_City", "mon-fri 09:00-20:00", "2026-03-06T14:59:59Z", "2026-03-06T15:00:00Z"),
        ("America/Mexico_City", "mon-fri 09:00-20:00", "2026-03-07T02:00:00Z", "2026-03-09T15:00:00Z"),
        ("America/New_York", "mon-fri 09:00-20:00", "2026-03-07T12:00:00Z", "2026-03-09T13:00:00Z"),
        ("America/New_York", "mon-fri 09:00-20:00", "2026-10-31T12:00:00Z", "2026-11-02T14:00:00Z"),
        // 02:00 to 03:00 does not exist that Sunday: open from the change on, or not that week.
        ("America/New_York", "sun 02:30-05:00", "2026-03-08T05:00:00Z", "2026-03-08T07:00:00Z"),
        ("America/New_York", "sun 02:00-02:45", "2026-03-08T05:00:00Z", "2026-03-15T06:00:00Z"),
        // 01:00 to 02:00 happens twice that Sunday: open at the first, closed again for the second's start.
        ("America/New_York", "sun 01:30-05:00", "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"),
        ("America/New_York", "sun 01:30-05:00", "2026-11-01T06:10:00Z", "2026-11-01T06:30:00Z"),
        ("Asia/Kolkata", "sat 10:00-11:00", "2026-03-08T00:00:00Z", "2026-03-14T04:30:00Z"),
        ("Pacific/Auckland", "mon 00:00-24:00", "2026-03-08T10:59:59Z", "2026-03-08T11:00:00Z"),
        ("UTC", "fri-mon 09:00-10:00", "2026-03-10T00:00:00Z", "2026-03-13T09:00:00Z"),
    ]

    @Test("A window opens when clocks in the lead's zone say so, across daylight saving; no hours are any time")
    func windows() async throws {
        let database = try await TestDatabase.make()
        for (zone, hours, from, opens) in Self.openings {
            let from = try Date(from, strategy: .iso8601)
            let row = try await database.client.query(
                "SELECT next_opening(\(hours), \(zone), \(from)), next_opening(NULL, \(zone), \(from))")[0]
            let (opening, always) = try row.decode(Date.self, Date.self)
            #expect(opening == (try Date(opens, strategy: .iso8601)), "\(zone) \(hours) from \(from)")
            #expect(always == from)
        }
    }

    @Test("A call outside its lead's hours waits until they begin; nothing is dialled")
    func waits() async throws {
        let bench = try await CallBench()
        // Closed today, whatever the day and time.
        let campaign = try await bench.campaign(
            "calling_window = to_char(now() AT TIME ZONE 'UTC' + interval '2 days', 'dy') || ' 09:00-10:00'")
        let call = try await bench.queuedCall(campaign)
        try await bench.runAll()
        #expect(bench.telephony.dialled.isEmpty)
        #expect(try await bench.status(call) == "queued")
        let isPunctual: Bool = try await bench.value(
            """
            SELECT run_at - next_opening(calling_window, 'UTC', now()) BETWEEN interval '0' AND interval '31 s'
            FROM jobs, campaigns WHERE kind = 'initiate_call'
            """)
        #expect(isPunctual)
    }
}
