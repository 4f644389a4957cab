import Agents
import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls

/// What stands of the tools of a call when it is over.
@Suite("What a call used")
struct ToolUsageTests {
    @Test("Each tool call of a conversation is a row with its arguments, result, success and duration")
    func rows() async throws {
        let scene = try await ConversationScene(Scripts.booking())
        _ = try await scene.turn(1)
        _ = try await scene.turn(2, "Yes, tomorrow")
        let rows = try await scene.services.postgres.query(
            """
            SELECT name, arguments, result, success, duration_ms::float8 FROM tool_calls
            WHERE call_id = \(scene.callID) ORDER BY id
            """
        ).map { try $0.decode(String.self, JSON.self, JSON.self, Bool.self, Double.self) }
        #expect(rows.map(\.0) == [CheckAvailabilityTool.name, BookMeetingTool.name])
        #expect(rows[0].1 == ["preferred_date": "tomorrow"])
        let slot = try #require(rows[0].2["available_slots"]?[0])
        #expect(rows[1].1["datetime"] == slot["datetime"] && rows[1].1["guest_name"] == "Ana Ruiz")
        #expect(rows[1].2["meeting_id"]?.string == scene.calendar.events.first?.id)
        #expect(rows.allSatisfy { $0.3 && $0.4 >= 0 && $0.4 < 60_000 })
    }

    @Test("report_calls has of each call its summary, its duration, and how many tools were called and failed")
    func report() async throws {
        let classification = """
            {"outcome":"completed","summary":"Took a time.","callback_at":null,"email":null,"interest":null,"reason":null}
            """
        let model = ScriptedModel { request, number in
            guard request.responseSchema == nil else { return ModelResponse(text: classification) }
            let results = Scripts.results(in: request)
            if results.count > 1 { return ModelResponse(text: "Anything else?") }
            return results.isEmpty
                ? .calling(CheckAvailabilityTool.name, #"{"preferred_date":"2026-02-30"}"#, id: "call_\(number)")
                : .calling(CheckAvailabilityTool.name, #"{"preferred_date":"tomorrow"}"#, id: "call_\(number)")
        }
        let scene = try await ConversationScene(model)
        _ = try await scene.turn(1)
        _ = try await scene.turn(2, "Do you have time?")
        try await scene.services.postgres.query(
            """
            UPDATE calls SET status = 'ended', answered_at = now() - interval '2 min', ended_at = now(),
                duration_seconds = 125, provider_status = 'completed', provider = 'other'
            WHERE id = \(scene.callID)
            """)
        try await FinalizeCallHandler(scene.services).finalize(scene.callID, scene.services.logger)
        let row = try await scene.services.postgres.query(
            """
            SELECT tool_calls, tool_failures, duration_seconds, summary FROM report_calls
            WHERE call_id = \(scene.callID)
            """)[0].decode(Int.self, Int.self, Int.self, String.self)
        #expect(row.0 == 2 && row.1 == 1 && row.2 == 125 && row.3 == "Took a time.")
    }
}
