import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls

@Suite("Reconciling meetings, some of which stay uncertain")
struct ReconcileMeetingsTests {
    /// Reservations with these keys, an hour apart and the first the oldest, that no call will settle.
    private func reserve(_ bench: CallBench, _ keys: [String]) async throws {
        try await bench.query(
            """
            INSERT INTO meetings (calendar_id, event_key, title, starts_at, ends_at, created_at)
            SELECT 'primary', key, 'Demo', start, start + interval '30 min', now() - interval '2 h' + number * interval '1 s'
            FROM unnest(\(keys)::text[]) WITH ORDINALITY AS keys (key, number),
                LATERAL (SELECT timestamptz '2033-05-18T03:30Z' + number * interval '1 h') AS times (start)
            """)
    }

    private func states(_ bench: CallBench) async throws -> [String] {
        try await bench.value("SELECT array_agg(event_key || ' ' || status ORDER BY id) FROM meetings")
    }

    @Test("A meeting whose event cannot be read keeps no other from being settled")
    func unreadable() async throws {
        let bench = try await CallBench()
        let broken = (1...10).map { "broken\($0)" }
        try await reserve(bench, broken + ["lost"])
        for key in broken { bench.calendar.fail(key, with: HeldCalendar.Away()) }
        let handler = ReconcileCallsHandler(bench.services)
        #expect(try await handler.settleMeetings(bench.services.logger) == 11)
        #expect(try await states(bench) == broken.map { "\($0) reserved" } + ["lost failed"])
    }

    @Test("A reservation whose key another event has is given up")
    func another() async throws {
        let bench = try await CallBench()
        try await reserve(bench, ["another"])
        bench.calendar.fail("another", with: CalendarError.keyTaken("another"))
        _ = try await ReconcileCallsHandler(bench.services).settleMeetings(bench.services.logger)
        #expect(try await states(bench) == ["another failed"])
    }

    @Test("When there are more than a pass can hold, those that stay uncertain do not take the turn of the others")
    func fairness() async throws {
        let bench = try await CallBench()
        try await reserve(bench, ["broken", "lost"])
        bench.calendar.fail("broken", with: HeldCalendar.Away())
        let settlement = MeetingSettlement(bench.services)
        // That it is the other one's turn a hundred times is as good as impossible.
        for _ in 0..<100 {
            _ = try await settlement.settleForgotten(limit: 1, within: .seconds(60), bench.services.logger)
            if try await states(bench) == ["broken reserved", "lost failed"] { return }
        }
        Issue.record("the meeting behind one that stays uncertain is never settled")
    }

    @Test(
        "A calendar that hangs does not hold up what comes after the meetings, and the next pass goes on",
        .timeLimit(.minutes(2)))
    func hanging() async throws {
        let booked = try await BookedScene()
        try await booked.services.postgres.query(
            "UPDATE meetings SET cancel_requested_at = now() - interval '5 minutes'")
        booked.calendar.fail(.dieBefore)
        let settlement = MeetingSettlement(booked.services)
        let logger = booked.services.logger
        #expect(try await settlement.settleForgotten(limit: 9, within: .milliseconds(200), logger) == 1)
        #expect(try await booked.meeting().isCancelRequested)
        #expect(try await booked.meeting().status == .confirmed)
        #expect(try await settlement.settleForgotten(limit: 9, within: .seconds(60), logger) == 1)
        #expect(try await booked.meeting().status == .cancelled)
    }
}
