import Foundation
import Platform
import Postgres
import TestSupport
import Testing

@testable import Calls

@Suite("Reports")
struct ReportTests {
    private func row(_ bench: CallBench, _ view: String) async throws -> JSON {
        try await bench.value("SELECT to_jsonb(report) FROM \(unsafe: view) AS report")
    }

    /// One lead who was busy, then talked and booked; another who did not answer.
    private func campaign(_ bench: CallBench) async throws {
        let campaign = try await bench.campaign(#"redial = '{"busy":["5m"]}', name = 'Spring'"#)
        let busy = try await bench.dialledCall(campaign)
        try await bench.query("SELECT end_call(\(busy.id), provider_status => 'busy')")
        try await bench.runAll()
        try await bench.hasten()
        try await bench.runAll()
        let booked: Int64 = try await bench.value("SELECT max(id) FROM calls")
        try await bench.query(
            """
            INSERT INTO turns (call_id, number, role, content, in_reply_to, model_ms)
            VALUES (\(booked), 1, 'agent', 'Hello', 1, 500), (\(booked), 2, 'caller', 'Yes', NULL, 0)
            """)
        try await bench.query(
            """
            INSERT INTO meetings (call_id, calendar_id, event_key, calendar_event_id, title, starts_at, ends_at, status)
            VALUES (\(booked), 'primary', 'op1', 'op1', 'Demo', now(), now() + interval '30 min', 'confirmed')
            """)
        try await bench.query(
            """
            INSERT INTO tool_calls (call_id, turn_number, name, arguments, result, success, duration_ms)
            SELECT \(booked), 2, 'book_meeting', '{}', '{}', i > 1, i FROM generate_series(1, 100) AS i
            """)
        try await bench.query(
            """
            SELECT end_call(\(booked), provider_status => 'completed', duration_seconds => 90),
                record_telephony_cost(\(booked), 0.05, 'USD')
            """)
        try await bench.runAll()
        let silent = try await bench.dialledCall(campaign)
        try await bench.query("SELECT end_call(\(silent.id), provider_status => 'no-answer')")
        try await bench.runAll()
    }

    @Test("The views say what happened")
    func views() async throws {
        let bench = try await CallBench()
        try await campaign(bench)

        let funnel = try await row(bench, "report_campaigns")
        #expect(funnel["campaign"] == "Spring" && funnel["status"] == "completed")
        #expect(funnel["calls"] == 3 && funnel["leads"] == 2 && funnel["answered"] == 1 && funnel["talked"] == 1)
        #expect(funnel["meetings"] == 1 && funnel["minutes"]?.number == 1.5)
        #expect(funnel["outcomes"] == ["busy": 1, "meeting_scheduled": 1, "no_answer": 1])

        let call: JSON = try await bench.value(
            "SELECT to_jsonb(report) FROM report_calls AS report WHERE outcome = 'meeting_scheduled'")
        #expect(call["turns"] == 2 && call["caller_turns"] == 1 && call["meetings"] == 1)
        #expect(call["tool_calls"] == 100 && call["tool_failures"] == 1 && call["model_seconds"]?.number == 0.5)

        let meeting = try await row(bench, "report_meetings")
        #expect(meeting["campaign"] == "Spring" && meeting["call_outcome"] == "meeting_scheduled")

        let tool = try await row(bench, "report_tools")
        #expect(tool["name"] == "book_meeting" && tool["calls"] == 100 && tool["failures"] == 1)
        #expect(tool["p50_ms"]?.number == 50.5 && tool["p99_ms"]?.number == 99.01)

        let costs = try await row(bench, "report_costs")
        #expect(costs["calls"] == 3 && costs["cost"]?.number == 0.05 && costs["cost_per_meeting"]?.number == 0.05)
        #expect(costs["calls_without_price"] == 2)

        let jobs: JSON = try await bench.value(
            "SELECT to_jsonb(report) FROM report_jobs AS report WHERE kind = 'finalize_call'")
        #expect(jobs["completed"] == 3 && jobs["running"] == 0)
    }

    @Test("A campaign that nobody was dialled for is in the funnel, with nothing")
    func empty() async throws {
        let bench = try await CallBench()
        _ = try await bench.campaign()
        let funnel = try await row(bench, "report_campaigns")
        #expect(funnel["day"] == .null && funnel["calls"] == 0 && funnel["outcomes"] == [:])
    }

    @Test("Every SQL example of the documents runs", arguments: ["reporting", "calls"])
    func examples(document: String) async throws {
        let bench = try await CallBench()
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let text = try String(contentsOf: root.appending(path: "docs/\(document).md"), encoding: .utf8)
        let examples = text.components(separatedBy: "```sql\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        #expect(!examples.isEmpty)
        for example in examples {
            try await bench.database.client.withConnection { try await $0.executeScript(unsafe: example) }
        }
    }

    @Test("Every table, view and function that outsiders use says what it is")
    func comments() async throws {
        let bench = try await CallBench()
        let silent: [String] = try await bench.value(
            """
            SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM (
                SELECT relname::text AS name FROM pg_class
                WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'p') AND NOT relispartition
                    AND relname <> 'schema_migrations' AND obj_description(oid, 'pg_class') IS NULL
                UNION ALL
                SELECT proname::text FROM pg_proc
                WHERE proname IN ('enqueue_job', 'cancel_job', 'wake_job', 'enqueue_call', 'launch_campaign', 'pause_campaign',
                    'resume_campaign', 'record_do_not_call', 'end_call', 'begin_dial', 'next_opening')
                    AND obj_description(oid, 'pg_proc') IS NULL) AS named
            """)
        #expect(silent == [])
    }
}
