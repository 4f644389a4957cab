import Agents
import FoundationEssentials
import HTTP
import Platform
import Postgres
import Providers
import Testing

@testable import Calls

/// An agent with a campaign, and with tools that ask others.
@Suite("The agent under evaluation")
struct EvaluatedToolsTests {
    private static let answer = #"{"success": true, "response": "Hay 221 clientes activos."}"#

    /// Asks the routers and the customers, as far as it may, and says what came back.
    private static func model() -> ScriptedModel {
        ScriptedModel { request, number in
            guard request.responseSchema == nil else {
                return ModelResponse(
                    text: """
                        {"outcome":"completed","summary":"S.","callback_at":null,"email":null,"interest":null,"reason":null}
                        """)
            }
            let results = Scripts.results(in: request)
            guard results.isEmpty else { return ModelResponse(text: results.map(\.text).joined(separator: " ")) }
            let questions = [
                ToolCall(id: "a\(number)", name: "consultar_mikrotik", arguments: #"{"pregunta":"¿Cuántos hay?"}"#),
                ToolCall(id: "b\(number)", name: "find_customer", arguments: #"{"number":"12"}"#),
            ].filter { call in request.tools.contains { $0.name == call.name } }
            return ModelResponse(text: questions.isEmpty ? "Bueno." : nil, toolCalls: questions)
        }
    }

    private let file: TemporaryToolsFile

    init() throws { file = try TemporaryToolsFile(ToolsFileText.file(tools: [ToolsFileText.tool()])) }

    private func bench(_ model: ScriptedModel) async throws -> (CallBench, CallServices) {
        let bench = try await CallBench(model: model)
        var services = bench.services
        services.calendar = LocalCalendar()
        services.mailer = nil
        let logger = Logger(label: "test", level: .critical)
        let client = HTTPClient(logger: logger)
        // Nobody answers there: who asks would fail.
        services.tools.mikrotik = MikroTikClient(.init(baseURL: "http://127.0.0.1:1"), http: client)
        services.tools.http = client
        services.tools.file = try file.open()
        return (bench, services)
    }

    private func script(_ answers: String) throws -> CallerScript {
        let json =
            #"{"says": ["Hola.", "Adiós."], "answers": \#(answers), "expects": {"outcome": ["completed", "hung_up"]}}"#
        return try CallerScript(name: "ana", Data(json.utf8))
    }

    @Test("A tool that asks others gives the answer that the caller brings, and is there for that caller alone")
    func answers() async throws {
        let model = Self.model()
        let (_, services) = try await bench(model)
        defer { file.remove() }
        let brief = try await ChatBrief.load(campaignID: nil, language: nil, instructions: nil, services)
        let evaluation = Evaluation(services, brief)
        let both = try script(#"{"consultar_mikrotik": \#(Self.answer), "find_customer": {"name": "Ana"}}"#)
        let call = try await evaluation.run(both)
        #expect(call.turns.contains { $0.text.contains("221") && $0.text.contains("Ana") }, "\(call.turns)")
        let names = model.requests.first.map { $0.tools.map(\.name) } ?? []
        #expect(names.contains("check_calendar_availability") && names.contains("terminarLlamada"))
        let kept = try await services.postgres.query("SELECT name, success FROM tool_calls ORDER BY name")
        #expect(try kept.map { try $0.decode(String.self, Bool.self).0 }.contains("find_customer"))

        let before = model.requests.count
        _ = try await evaluation.run(try script("{}"))
        let offered = model.requests.dropFirst(before).flatMap { $0.tools.map(\.name) }
        #expect(!offered.contains("find_customer") && !offered.contains("consultar_mikrotik"))
        #expect(offered.contains("book_meeting"))
    }

    @Test("A failure can be an answer, and an answer of a tool that would never be asked is refused with its place")
    func refusals() async throws {
        let model = Self.model()
        let (bench, services) = try await bench(model)
        defer { file.remove() }
        let brief = try await ChatBrief.load(campaignID: nil, language: nil, instructions: nil, services)
        let evaluation = Evaluation(services, brief)
        _ = try await evaluation.run(try script(#"{"find_customer": {"success": false, "error": "nobody"}}"#))
        #expect(
            try await bench.value("SELECT count(*) FROM tool_calls WHERE name = 'find_customer' AND NOT success") > 0)
        let wrong = try script(#"{"book_meeting": {"success": true}, "find_customer": {}}"#)
        let error = #expect(throws: CallerScriptError.self) { try evaluation.check([wrong]) }
        #expect(error?.problems.count == 1)
        #expect(
            error?.problems.first?.hasPrefix("ana.answers.book_meeting is no tool of this agent that asks others")
                == true)
        #expect(error?.problems.first?.hasSuffix("there are: find_customer, consultar_mikrotik") == true)
    }

    @Test(
        "A time that no caller could agree on is refused with its place",
        arguments: [
            ("someday", "en", "cannot be agreed on: not_understood"), ("tomorrow", "en", "must be one day with a time"),
            ("2020-01-10 at 10:00", "en", "cannot be agreed on: past"), ("tomorrow at 10:00", "en", nil),
            ("mañana a las 10:00", "es", nil),
        ])
    func times(_ words: String, _ language: String, _ problem: String?) async throws {
        let (_, services) = try await bench(Self.model())
        defer { file.remove() }
        let brief = try await ChatBrief.load(campaignID: nil, language: nil, instructions: nil, services)
        let json =
            #"{"lead": {"language": "\#(language)"}, "says": [], "expects": {"meeting": {"at": "\#(words)"}}}"#
        let script = try CallerScript(name: "ana", Data(json.utf8))
        var problems: [String] = []
        do throws(CallerScriptError) {
            try Evaluation(services, brief).check([script])
        } catch {
            problems = error.problems
        }
        #expect(problems.count == (problem == nil ? 0 : 1))
        #expect(
            problem.map { problems.first?.hasPrefix("ana.expects.meeting.at \($0)") == true } ?? true, "\(problems)")
    }

    @Test("A campaign's agent has its instructions, greeting, tools and language; the caller's own language wins")
    func campaign() async throws {
        let model = Self.model()
        let (bench, services) = try await bench(model)
        defer { file.remove() }
        let rows = try await services.postgres.query(
            """
            INSERT INTO campaigns (name, status, language, instructions, greeting, tools)
            VALUES ('Soporte', 'draft', 'es', 'Ayuda con la red.', 'Soporte, buenos días.',
                '{find_customer,terminarLlamada}')
            RETURNING id
            """)
        let id = try rows[0].decode(Int64.self)
        let brief = try await ChatBrief.load(campaignID: id, language: nil, instructions: nil, services)
        let call = try await Evaluation(services, brief).run(try script(#"{"find_customer": {"name": "Ana"}}"#))
        #expect(call.turns.first?.text == "Soporte, buenos días.")
        #expect(try await bench.value("SELECT count(*) FROM calls WHERE language = 'es'") == 1)
        guard case .system(let prompt)? = model.requests.first?.messages.first else { throw NoRow() }
        #expect(prompt.contains("Ayuda con la red."))
        #expect(Set(model.requests.first?.tools.map(\.name) ?? []) == ["find_customer", "terminarLlamada"])

        let other = try await ChatBrief.load(campaignID: id, language: nil, instructions: "Otra cosa.", services)
        let json = #"{"lead": {"language": "pt"}, "says": [], "expects": {"outcome": "no_response"}}"#
        _ = try await Evaluation(services, other).run(try CallerScript(name: "x", Data(json.utf8)))
        #expect(try await bench.value("SELECT count(*) FROM calls WHERE language = 'pt'") == 1)
        #expect(try await bench.value("SELECT count(*) FROM campaigns WHERE instructions = 'Otra cosa.'") == 1)
    }
}
