import Agents
import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls
@testable import Jobs

@Suite("finalize_call")
struct FinalizeCallTests {
    private static let answer: JSON = [
        "outcome": "callback_requested", "summary": "Pidió que la llamen el lunes.",
        "callback_at": "2027-03-01T10:00:00-06:00", "email": "ana@example.com", "interest": "high", "reason": nil,
    ]

    private static func answering(_ answer: JSON) -> ScriptedModel {
        ScriptedModel { _, _ in
            ModelResponse(text: answer.text, usage: ModelUsage(promptTokens: 1_000, completionTokens: 100))
        }
    }

    /// A call that was talked through and has ended, its outcome still open.
    private func talkedCall(
        _ bench: CallBench, _ words: [String] = ["Llámeme el lunes"],
        settings: String = "redial = '{}', language = 'es'",
        endedByAgent: Bool = true
    ) async throws -> (id: Int64, providerCallID: String) {
        let call = try await bench.dialledCall(bench.campaign(settings))
        var number = 1
        for word in words {
            try await bench.query(
                """
                INSERT INTO turns (call_id, number, role, content, in_reply_to, prompt_tokens, completion_tokens)
                VALUES (\(call.id), \(number), 'agent', 'Hola', \(number), 2000, 50)
                """)
            try await bench.query(
                """
                INSERT INTO turns (call_id, number, role, content) VALUES (\(call.id), \(number + 1), 'caller', \(word))
                """)
            number += 2
        }
        try await bench.query(
            "UPDATE calls SET agent_ended = \(endedByAgent), answered_at = now() WHERE id = \(call.id)")
        bench.telephony.set(call.providerCallID) {
            ($0.status, $0.durationSeconds, $0.price, $0.currency) = (.completed, 42, "0.0130", "USD")
        }
        try await bench.query("SELECT end_call(\(call.id), provider_status => 'completed')")
        return call
    }

    @Test("The model's classification becomes outcome, summary, extracted fields and cost")
    func classification() async throws {
        let bench = try await CallBench(model: Self.answering(Self.answer)) {
            ($0.promptTokenPrice, $0.completionTokenPrice) = (2, 8)
        }
        let call = try await talkedCall(bench)
        try await bench.runAll()
        let row = try await bench.query(
            """
            SELECT outcome, summary, extracted, cost::text, model_cost::text, telephony_cost::text, duration_seconds
            FROM calls WHERE id = \(call.id)
            """)[0]
        let (outcome, summary, extracted, cost, modelCost, telephonyCost, seconds) = try row.decode(
            String.self, String.self, JSON.self, String.self, String.self, String.self, Int.self)
        #expect(outcome == "callback_requested")
        #expect(summary == "Pidió que la llamen el lunes.")
        #expect(
            extracted == ["callback_at": "2027-03-01T10:00:00-06:00", "email": "ana@example.com", "interest": "high"])
        // 3,000 prompt tokens at 2 a million, 150 completion tokens at 8 a million.
        #expect(modelCost == "0.007200")
        #expect(telephonyCost == "0.013000")
        #expect(cost == "0.020200")
        #expect(seconds == 42)
        #expect(try await bench.value("SELECT status FROM leads") == "done")
        #expect(try await bench.value("SELECT status FROM campaigns") == "completed")
    }

    @Test("A worker that dies before or after the outcome is written leaves one outcome and one redial")
    func deaths() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign())
        try await bench.query("SELECT end_call(\(call.id), provider_status => 'busy')")
        let job = try #require(await bench.claim(from: ["default"]).first)
        _ = try await bench.runWithoutEnd(job)
        for _ in 0..<3 {
            try await bench.rescue()
            try await bench.runAll()
        }
        #expect(try await bench.outcome(call.id) == "busy")
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls") == 2)
    }

    @Test("Two workers with the same call write it once")
    func zombies() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign())
        try await bench.query("SELECT end_call(\(call.id), provider_status => 'no-answer')")
        let job = try #require(await bench.claim(from: ["default"]).first)
        async let first = bench.runWithoutEnd(job)
        async let second = bench.runWithoutEnd(job)
        _ = try await (first, second)
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM calls") == 2)
    }

    @Test("When the model is away, the caller's words decide, in the caller's language")
    func modelAway() async throws {
        let bench = try await CallBench(model: ScriptedModel([]))
        let call = try await talkedCall(bench, ["No me interesa, gracias"])
        try await bench.runAll()
        #expect(try await bench.outcome(call.id) == "not_interested")
        let summary: String = try await bench.value("SELECT summary FROM calls")
        #expect(summary == "La persona no está interesada. Lo último que dijo: “No me interesa, gracias”")
    }

    @Test("A meeting that is confirmed decides, whatever the model says, which is only asked for the words")
    func meeting() async throws {
        let bench = try await CallBench(model: Self.answering(Self.answer))
        let call = try await talkedCall(bench)
        try await reserve(bench, call.id, status: "confirmed")
        try await bench.runAll()
        #expect(try await bench.outcome(call.id) == "meeting_scheduled")
        #expect(
            try await bench.value(Int.self, "SELECT count(*) FROM meetings WHERE calendar_event_id IS NOT NULL") == 1)
    }

    @Test("The schema refuses an outcome that claims a meeting which is not confirmed")
    func claim() async throws {
        let bench = try await CallBench()
        let call = try await talkedCall(bench)
        try await reserve(bench, call.id)
        let error = await #expect(throws: PostgresError.self) {
            try await bench.query("UPDATE calls SET outcome = 'meeting_scheduled' WHERE id = \(call.id)")
        }
        #expect(error?.constraint == "call_scheduled_has_a_confirmed_meeting")
    }

    private static let start = Date(timeIntervalSince1970: 2_000_000_000)

    private func reserve(
        _ bench: CallBench, _ call: Int64, status: String = "reserved", ageSeconds: Int = 0
    ) async throws {
        try await bench.query(
            """
            INSERT INTO meetings (call_id, calendar_id, event_key, title, guest_name, guest_email, starts_at, ends_at, status,
                calendar_event_id, created_at)
            VALUES (\(call), 'primary', 'opkey', 'Demo', 'Ana', 'ana@example.com', \(Self.start),
                \(Self.start.addingTimeInterval(1_800)), \(status),
                CASE WHEN \(status) = 'confirmed' THEN 'opkey' END, now() - make_interval(secs => \(ageSeconds)))
            """)
    }

    private func event(startsAt: Date = start, isCancelled: Bool = false) -> InsertedEvent {
        InsertedEvent(
            id: "opkey", link: "https://calendar.example/opkey", startsAt: startsAt,
            endsAt: startsAt.addingTimeInterval(1_800), isCancelled: isCancelled)
    }

    @Test("A reservation whose event is in the calendar is confirmed, with its reminder, and decides the outcome")
    func settled() async throws {
        let bench = try await CallBench(model: Self.answering(Self.answer))
        let call = try await talkedCall(bench)
        try await reserve(bench, call.id)
        bench.calendar.put("opkey", event())
        try await bench.runAll()
        #expect(try await bench.outcome(call.id) == "meeting_scheduled")
        #expect(try await bench.value("SELECT calendar_link FROM meetings") == "https://calendar.example/opkey")
        let reminded: Date = try await bench.value("SELECT run_at FROM jobs WHERE kind = 'remind_guest'")
        #expect(reminded == Self.start.addingTimeInterval(-86_400))
    }

    @Test("A reservation without an event fails, but only when the request can no longer be under way")
    func unsettled() async throws {
        let bench = try await CallBench(model: Self.answering(Self.answer))
        let call = try await talkedCall(bench)
        try await reserve(bench, call.id)
        try await bench.runAll()
        #expect(try await bench.value("SELECT status FROM meetings") == "reserved")
        #expect(try await bench.outcome(call.id) == nil)
        try await bench.query("UPDATE meetings SET created_at = created_at - interval '61 s'")
        try await bench.hasten()
        try await bench.runAll()
        #expect(try await bench.value("SELECT status FROM meetings") == "failed")
        #expect(try await bench.outcome(call.id) == "callback_requested")
    }

    @Test("An event at other times, or a cancelled one, is not the meeting", arguments: [true, false])
    func foreign(isCancelled: Bool) async throws {
        let bench = try await CallBench(model: Self.answering(Self.answer))
        let call = try await talkedCall(bench)
        try await reserve(bench, call.id)
        bench.calendar.put(
            "opkey", isCancelled ? event(isCancelled: true) : event(startsAt: Self.start.addingTimeInterval(60)))
        try await bench.runAll()
        #expect(try await bench.value("SELECT status FROM meetings") == "failed")
        #expect(try await bench.outcome(call.id) == "callback_requested")
    }

    @Test("While the calendar is away the call waits, and no attempt is used up")
    func calendarAway() async throws {
        let bench = try await CallBench(model: Self.answering(Self.answer))
        let call = try await talkedCall(bench)
        try await reserve(bench, call.id, ageSeconds: 100)
        bench.calendar.put("opkey", event())
        bench.calendar.setAway(true)
        for _ in 0..<12 {
            try await bench.hasten()
            try await bench.runAll()
        }
        #expect(try await bench.value(Int.self, "SELECT attempt FROM jobs WHERE kind = 'finalize_call'") == 0)
        bench.calendar.setAway(false)
        try await bench.hasten()
        try await bench.runAll()
        #expect(try await bench.outcome(call.id) == "meeting_scheduled")
    }

    @Test("Whoever calls us without showing a number, and wants never to be called, ends like everybody else")
    func hiddenNumber() async throws {
        let bench = try await CallBench()
        let call: Int64 = try await bench.value(
            """
            INSERT INTO calls (direction, provider, provider_call_id, from_phone, to_phone, status, language, timezone,
                do_not_call_requested, ended_at)
            VALUES ('inbound', 'twilio', 'CA1', 'anonymous', '+15550000000', 'ended', 'en', 'UTC', true, now())
            RETURNING id
            """)
        let job = FinalizeCall(callID: call)
        try await bench.services.queue.enqueue(job, job.options)
        try await bench.runAll()
        #expect(try await bench.outcome(call) == "do_not_call")
        #expect(try await bench.value(Int.self, "SELECT count(*) FROM do_not_call") == 0)
    }

    @Test("A price that the provider states late is added when it does")
    func latePrice() async throws {
        let bench = try await CallBench()
        let call = try await bench.dialledCall(bench.campaign("redial = '{}'"))
        bench.telephony.set(call.providerCallID) { $0.status = .completed }
        try await bench.query("SELECT end_call(\(call.id), provider_status => 'completed')")
        try await bench.runAll()
        #expect(try await bench.jobs("record_call_price") == 1)
        #expect(try await bench.value(String?.self, "SELECT telephony_cost::text FROM calls") == nil)
        // An outage of hours uses up none of its attempts.
        bench.telephony.change { $0.isAway = true }
        try await bench.query("UPDATE calls SET finalized_at = finalized_at - interval '61 s'")
        for _ in 0..<12 {
            try await bench.hasten()
            try await bench.runAll()
        }
        #expect(try await bench.value(Int.self, "SELECT attempt::int FROM jobs WHERE kind = 'record_call_price'") == 0)
        bench.telephony.change { $0.isAway = false }
        bench.telephony.set(call.providerCallID) { ($0.price, $0.currency) = ("0.02", "EUR") }
        try await bench.hasten()
        try await bench.runAll()
        // Euros are not added to dollars.
        #expect(
            try await bench.value(
                "SELECT telephony_cost || telephony_currency || ' ' || cost || cost_currency FROM calls")
                == "0.020000EUR 0.000000USD")
        #expect(try await bench.jobs("record_call_price") == 0)
    }
}
