import Agents
import HTTP
import Platform
import Providers
import Simulators
import Testing

@testable import Calls

@Suite("consultar_mikrotik") struct MikroTikToolTests {
    private static let logger = Logger(label: "test", level: .critical)
    private let http = HTTPClient(logger: logger)

    /// What all calls of a process share.
    private struct Shared {
        let tool: MikroTikTool
        let cache = ToolResultCache()
    }

    private func answers(
        _ url: String, keep: Duration? = nil, limit: Duration = .seconds(10)
    ) -> Shared {
        var configuration = MikroTikClient.Configuration(baseURL: url)
        configuration.timeout = limit
        var tool = MikroTikTool(client: MikroTikClient(configuration, http: http), logger: Self.logger)
        if let keep { tool.cacheLifetime = keep }
        return Shared(tool: tool)
    }

    /// One call, as a model makes it.
    private func ask(_ shared: Shared, _ arguments: JSON) async throws -> ToolResult {
        let executor = ToolExecutor(
            registry: try ToolRegistry([shared.tool]), cache: shared.cache, logger: Self.logger)
        let call = ToolCall(id: "call_1", name: "consultar_mikrotik", arguments: arguments.text)
        return try await executor.execute([call])[0].result
    }

    private func ask(_ answers: Shared, _ question: String) async throws -> ToolResult {
        try await ask(answers, ["pregunta": .string(question)])
    }

    @Test("The model gets the API's answer in words")
    func answers() async throws {
        let simulator = SimulatedMikroTik(logger: Self.logger)
        let result = try await ask(answers(simulator.start()), "¿Cuántos clientes activos hay en router-146?")
        #expect(
            result.value == ["success": true, "response": "En el router FIBRA OPTICA hay 221 clientes activos."])
        await simulator.stop()
    }

    @Test("The same question within 30 s is answered from memory, also to another call; another question is asked")
    func remembers() async throws {
        let simulator = SimulatedMikroTik(logger: Self.logger)
        let shared = answers(try simulator.start())
        #expect(shared.tool.cacheLifetime == .seconds(30))
        let first = try await ask(shared, "¿Qué routers están configurados?")
        #expect(try await ask(shared, "¿Qué routers están configurados?") == first)
        #expect(simulator.questions.count == 1)
        _ = try await ask(shared, "¿Cuál es el tráfico de la interfaz WAN?")
        #expect(simulator.questions.count == 2)
        await simulator.stop()
    }

    @Test("An answer is forgotten when its time is over, and a failure is never remembered")
    func forgets() async throws {
        let simulator = SimulatedMikroTik(logger: Self.logger)
        let url = try simulator.start()
        let brief = answers(url, keep: .zero)
        for _ in 1...2 { #expect(try await ask(brief, "¿Qué routers hay?").success) }
        #expect(simulator.questions.count == 2)
        let shared = answers(url)
        simulator.faults.trigger(.serverError, on: .routerQuestion)
        #expect(try await !ask(shared, "¿Cuántos clientes hay?").success)
        #expect(try await ask(shared, "¿Cuántos clientes hay?").success)
        await simulator.stop()
    }

    @Test("What goes wrong is told in Spanish words that can be said, and nothing technical is in them")
    func speaksOfErrors() async throws {
        let forever = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
        let simulator = SimulatedMikroTik(logger: Self.logger) { question in
            if question.contains("lento") { for await _ in forever.stream {} }
            return .init(success: false, "El router no responde.")
        }
        let url = try simulator.start()
        let slow = try await ask(answers(url, limit: .milliseconds(150)), "¿Está lento?")
        #expect(slow.value["response"]?.string?.contains("tardó demasiado") == true)
        forever.continuation.finish()
        let unanswered = try await ask(answers(url), "¿Hay alarmas?")
        #expect(
            unanswered.value["response"] == "Lo siento, hubo un problema con la consulta: El router no responde.")
        simulator.faults.trigger(.serverError, on: .routerQuestion)
        let broken = try await ask(answers(url), "¿Hay alarmas?")
        #expect(broken.value["response"] == "Lo siento, ocurrió un error en la consulta. ¿Puede repetir su pregunta?")
        await simulator.stop()
        let away = try await ask(answers("http://127.0.0.1:1"), "¿Hay alarmas?")
        #expect(away.value["response"]?.string?.contains("no se pudo conectar") == true)
        for result in [slow, unanswered, broken, away] {
            #expect(!result.success && result.value["success"] == false)
            #expect(!result.value.text.contains("127.0.0.1") && !result.value.text.contains("500"))
        }
    }

    @Test("A question that is missing, empty or too long is refused before anybody is asked")
    func refusesArguments() async throws {
        let nobody = answers("http://127.0.0.1:1")
        let long = JSON.string(String(repeating: "a", count: 501))
        for arguments: JSON in [[:], ["pregunta": ""], ["pregunta": 5], ["pregunta": long], ["pregunta": "a", "b": 1]] {
            let result = try await ask(nobody, arguments)
            #expect(!result.success && result.value["error"]?.string?.contains("arguments") == true)
        }
        #expect(try await ask(nobody, "  \n ").value["error"]?.string?.contains("empty") == true)
    }
}
