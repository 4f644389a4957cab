import Agents
import FoundationEssentials
import HTTP
import Platform
import Postgres
import Providers
import Simulators
import Testing

@testable import Calls

@Suite("Tools of a service, called while the caller is on the line") struct ToolsInConversationTests {
    private static let logger = Logger(label: "test", level: .critical)

    /// A model that calls the tool with these arguments, then says what came of it.
    private func model(_ name: String, _ arguments: String, _ say: @escaping @Sendable (JSON) -> String)
        -> ScriptedModel
    {
        ScriptedModel { request, _ in
            guard case .tool(_, let text)? = request.messages.last, let result = try? JSON(parsing: text) else {
                return .calling(name, arguments)
            }
            return ModelResponse(text: say(result))
        }
    }

    private func entry(_ service: ToolService, _ changes: [String: JSON] = [:]) -> JSON {
        ToolsFileText.tool(["url": .string(service.url + "/customers/{number}"), "result": "$.name"]).with(changes)
    }

    private func options(_ file: TemporaryToolsFile, _ service: ToolService) throws -> ConversationScene.Options {
        let hosts = try #require(DestinationPolicy("127.0.0.0/8"))
        let tools = try file.open(allowing: hosts)
        var options = ConversationScene.Options()
        options.sources = {
            $0.file = tools
            $0.http = service.http
            $0.destinations = hosts
        }
        return options
    }

    @Test("A tool of the file is called, kept in tool_calls, and the caller hears what the service said")
    func callsCustomTools() async throws {
        let service = try ToolService(.json(["name": "Ana Ruiz"]))
        let file = try TemporaryToolsFile(ToolsFileText.file(tools: [entry(service)]))
        defer { file.remove() }
        let model = model("find_customer", #"{"number":"A 17"}"#) { "You are \($0["result"]?.string ?? "nobody")." }
        let scene = try await ConversationScene(model, options(file, service))
        #expect(try await scene.turn(2, "My number is A 17").say == "You are Ana Ruiz.")
        #expect(service.requests.map(\.target) == ["/customers/A%2017"])
        let row: JSON = try await scene.value(
            """
            SELECT jsonb_build_object('turn', turn_number, 'name', name, 'arguments', arguments, 'result', result,
                'success', success) FROM tool_calls WHERE call_id = \(scene.callID)
            """)
        #expect(
            row == [
                "turn": 3, "name": "find_customer", "arguments": ["number": "A 17"],
                "result": ["success": true, "result": "Ana Ruiz"], "success": true,
            ])
        await service.stop()
    }

    @Test("A service that is not well costs the caller nothing but that answer, and the failure has its row")
    func survivesFailures() async throws {
        let service = try ToolService(HTTPServerResponse(status: 500))
        let file = try TemporaryToolsFile(ToolsFileText.file(tools: [entry(service, ["method": "POST"])]))
        defer { file.remove() }
        let model = model("find_customer", #"{"number":"17"}"#) {
            $0["success"] == false ? "I can't see that now." : "?"
        }
        let scene = try await ConversationScene(model, options(file, service))
        #expect(try await scene.turn(2, "My number is 17").say == "I can't see that now.")
        #expect(service.requests.count == 1)
        #expect(try await scene.count("tool_calls", where: "NOT success AND result->>'reason' = 'uncertain'") == 1)
        await service.stop()
    }

    @Test("A tool that the file gets, changes or loses between two turns of a call is so from the next turn on")
    func followsFile() async throws {
        let service = try ToolService(.json(["name": "Ana Ruiz"]))
        let file = try TemporaryToolsFile(ToolsFileText.file())
        defer { file.remove() }
        let model = model("find_customer", #"{"number":"17"}"#) { $0["result"]?.string ?? "It cannot be done." }
        let scene = try await ConversationScene(model, options(file, service))
        #expect(try await scene.turn(2, "I am 17").say == "It cannot be done.")
        try file.write(ToolsFileText.file(tools: [entry(service)]))
        #expect(try await scene.turn(4, "I am 17").say == "Ana Ruiz")
        let moved = entry(service, ["url": .string(service.url + "/v2/{number}")])
        try file.write(ToolsFileText.file(tools: [moved]))
        #expect(try await scene.turn(6, "I am 17").say == "Ana Ruiz")
        try file.write(ToolsFileText.file(tools: [moved.with(["enabled": false])]))
        #expect(try await scene.turn(8, "I am 17").say == "It cannot be done.")
        #expect(service.requests.map(\.target) == ["/customers/17", "/v2/17"])
        await service.stop()
    }

    @Test("Two calls that ask the routers the same within 30 s share one answer; each call has its row")
    func sharesRouterAnswers() async throws {
        let simulator = SimulatedMikroTik(logger: Self.logger)
        let http = HTTPClient(logger: Self.logger)
        let client = MikroTikClient(.init(baseURL: try simulator.start()), http: http)
        var options = ConversationScene.Options()
        options.sources = { $0.mikrotik = client }
        let question = #"{"pregunta":"¿Cuántos clientes activos hay en router-146?"}"#
        let model = model("consultar_mikrotik", question) { $0["response"]?.string ?? "?" }
        let scene = try await ConversationScene(model, options)
        let answer = "En el router FIBRA OPTICA hay 221 clientes activos."
        #expect(try await scene.turn(2, "¿Cuántos clientes hay?").say == answer)
        let other = try await scene.anotherCall()
        #expect(try await other.turn(2, "¿Cuántos clientes hay?").say == answer)
        #expect(simulator.questions.count == 1)
        #expect(
            try await scene.count(
                "(SELECT DISTINCT call_id FROM tool_calls WHERE name = 'consultar_mikrotik' AND success) AS calls") == 2
        )
        #expect(model.requests[0].tools.contains { $0.name == "consultar_mikrotik" })
        await simulator.stop()
        await http.shutDown()
    }
}
