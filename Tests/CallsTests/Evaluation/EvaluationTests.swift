import Agents
import FoundationEssentials
import Platform
import Postgres
import Testing

@testable import Calls

@Suite("Evaluation")
struct EvaluationTests {
    private static let expected =
        #"{"meeting": {"offered": 1, "guest_email": "ana@example.com"}, "outcome": "meeting_scheduled"}"#

    private func script(_ expects: String) throws -> CallerScript {
        let json = """
            {"lead": {"name": "Ana", "email": "ana@example.com", "timezone": "America/New_York"},
             "says": ["Tomorrow?", "Yes.", "Bye."], "expects": \(expects)}
            """
        return try CallerScript(name: "ana", Data(json.utf8))
    }

    /// Looks up tomorrow, and books that one of the times offered; nil books none.
    private func model(booking slot: Int?, email: String = "ana@example.com") -> ScriptedModel {
        ScriptedModel { request, number in
            guard request.responseSchema == nil else {
                return ModelResponse(
                    text: """
                        {"outcome":"completed","summary":"S.","callback_at":null,"email":null,"interest":null,"reason":null}
                        """)
            }
            let results = Scripts.results(in: request)
            guard let slots = results.compactMap({ $0["available_slots"] }).last else {
                return .calling(CheckAvailabilityTool.name, #"{"preferred_date":"tomorrow"}"#, id: "call_\(number)")
            }
            guard let slot, !results.contains(where: { $0["meeting_id"] != nil }) else {
                return ModelResponse(text: "Good.", usage: ModelUsage(promptTokens: 10, completionTokens: 2))
            }
            let arguments = Scripts.arguments(slots[slot] ?? .null, email: email)
            return .calling(BookMeetingTool.name, arguments, id: "call_\(number)")
        }
    }

    private func evaluation(_ model: ScriptedModel) async throws -> (Evaluation, CallBench) {
        let bench = try await CallBench(model: model)
        var services = bench.services
        services.calendar = LocalCalendar()
        services.mailer = nil
        let brief = try await ChatBrief.load(
            campaignID: nil, language: nil, instructions: "Offer a demo.", services)
        return (Evaluation(services, brief), bench)
    }

    @Test("A meeting at the agreed time is what the database is asked for, and the call is finalized as any other")
    func passes() async throws {
        let model = model(booking: 0)
        let (evaluation, bench) = try await evaluation(model)
        let call = try await evaluation.run(try script(Self.expected))
        #expect(call.problems.isEmpty && call.isPassed)
        #expect(call.outcome == "meeting_scheduled" && call.meetings.count == 1)
        #expect(call.turns.map(\.isAgents) == [true, false, true, false, true, false, true])
        #expect(call.turns[1].text == "Tomorrow?" && call.turns[2].text == "Good.")
        #expect(call.promptTokens == 30 && call.completionTokens == 6)
        #expect(try await bench.value("SELECT count(*) FROM meetings WHERE status = 'confirmed'") == 1)
        #expect(try await bench.value("SELECT count(*) FROM calls WHERE finalized_at IS NOT NULL") == 1)
        #expect(try await bench.value("SELECT count(*) FROM jobs") == 0, "nothing is left for workers")
        guard case .system(let prompt)? = model.requests.first?.messages.first else { throw NoRow() }
        #expect(prompt.contains("Offer a demo.") && !prompt.contains("ana\"") && prompt.contains("ana@example.com"))
    }

    @Test(
        "Another time, another guest, no meeting, or one that nobody wanted fail, each with what is wrong",
        arguments: [
            (1, "ana@example.com", EvaluationTests.expected, "not for"),
            (0, "eve@example.com", EvaluationTests.expected, "the guest is eve"),
            (nil, "", EvaluationTests.expected, "no meeting was booked"),
            (0, "ana@example.com", #"{"meeting": "none"}"#, "none was agreed"),
            (0, "ana@example.com", #"{"do_not_call": false}"#, "none was agreed"),
            (0, "ana@example.com", #"{"outcome": ["callback_requested", "completed"]}"#, "none was agreed"),
            (nil, "", #"{"outcome": "meeting_scheduled"}"#, "no meeting was booked"),
            (0, "ana@example.com", #"{"meeting": {"at": "next tuesday at 3:07"}}"#, "not for"),
            (0, "ana@example.com", #"{"meeting": {"at": "some day"}}"#, "no such time"),
            (0, "ana@example.com", #"{"meeting": {"offered": 9}}"#, "no such time"),
            (
                nil, "", #"{"outcome": ["not_interested", "hung_up"]}"#,
                "the outcome is completed, not not_interested or hung_up"
            ),
            (nil, "", #"{"do_not_call": true}"#, "was not written"),
        ])
    func fails(_ slot: Int?, _ email: String, _ expects: String, _ problem: String) async throws {
        let (evaluation, _) = try await evaluation(model(booking: slot, email: email))
        let call = try await evaluation.run(try script(expects))
        #expect(!call.isPassed && call.problems.contains { $0.contains(problem) }, "\(call.problems)")
    }

    @Test("A meeting at any time will do where none is named, and where it is the outcome, or one of them")
    func leniency() async throws {
        let (evaluation, _) = try await evaluation(model(booking: 2))
        for expects in [
            #"{"meeting": {}}"#, #"{"outcome": "meeting_scheduled"}"#,
            #"{"outcome": ["completed", "meeting_scheduled"]}"#,
        ] {
            #expect(try await evaluation.run(try script(expects)).problems.isEmpty)
        }
        let (reluctant, _) = try await self.evaluation(model(booking: nil))
        let either = try script(#"{"outcome": ["completed", "meeting_scheduled"]}"#)
        #expect(try await reluctant.run(either).problems.isEmpty)
    }

    @Test("No call takes a time from another, however many are under way")
    func isolation() async throws {
        let (evaluation, _) = try await evaluation(model(booking: 0))
        let script = try script(Self.expected)
        let calls = try await withThrowingTaskGroup(of: EvaluatedCall.self) { group in
            for _ in 0..<4 { group.addTask { try await evaluation.run(script) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(calls.count == 4 && calls.allSatisfy(\.isPassed))
        #expect(Set(calls.map(\.meetings)).count == 1)
    }

    @Test("A model that gives no answer is named, beside what it led to and where that is what was expected")
    func silence() async throws {
        let wrongKey = ModelError(.authentication, "the key is wrong")
        let (evaluation, _) = try await evaluation(ScriptedModel { _, _ in throw wrongKey })
        let call = try await evaluation.run(try script(Self.expected))
        #expect(call.problems.contains("no meeting was booked"))
        #expect(call.problems.contains { $0.hasPrefix("the model gave no answer") })
        let uninterested = try await evaluation.run(try script(#"{"meeting": "none"}"#))
        #expect(uninterested.problems == ["the model gave no answer in 2 turns"], "\(uninterested.turns)")
        #expect(uninterested.silence == .modelFailed(wrongKey))
    }

    @Test("One turn without an answer fails its caller too, and is no silence")
    func falters() async throws {
        let refused = ModelError(.refused, "no")
        let (evaluation, _) = try await evaluation(
            ScriptedModel { request, _ in
                guard request.responseSchema == nil, case .user(let words)? = request.messages.last else {
                    return ModelResponse(text: "{}")
                }
                if words.contains("Yes") { throw refused }
                return ModelResponse(text: "Good.")
            })
        let call = try await evaluation.run(try script(#"{"meeting": "none"}"#))
        #expect(call.problems == ["the model gave no answer in 1 turn"], "\(call.turns)")
        #expect(call.stops == [.answered, .modelFailed(refused), .answered] && call.silence == nil)
    }

    @Test("Whoever never wants to be called again is found in the database")
    func doNotCall() async throws {
        let (evaluation, _) = try await evaluation(model(booking: nil))
        let json = #"{"says": ["Never call me again!"], "expects": {"do_not_call": true, "outcome": "do_not_call"}}"#
        #expect(try await evaluation.run(try CallerScript(name: "x", Data(json.utf8))).problems.isEmpty)
    }
}
