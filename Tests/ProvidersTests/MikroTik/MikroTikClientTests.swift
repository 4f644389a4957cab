import HTTP
import Platform
import Simulators
import Synchronization
import Testing

@testable import Providers

@Suite struct MikroTikClientTests {
    private let logger = Logger(label: "test", level: .critical)

    /// A client of a server that answers `answer`; without one it never answers.
    private func withClient<Result: Sendable>(
        limit: Duration = .seconds(10), _ configuration: HTTPServer.Configuration = .init(),
        answer: @escaping HTTPServer.Handler, _ test: (MikroTikClient) async throws -> Result
    ) async throws -> Result {
        let http = HTTPClient(logger: logger)
        let server = try HTTPServer(configuration: configuration, logger: logger, handler: answer)
        var settings = MikroTikClient.Configuration(baseURL: "http://127.0.0.1:\(server.port)")
        settings.timeout = limit
        let result = try await test(MikroTikClient(settings, http: http))
        await http.shutDown()
        await server.stop(within: .zero)
        return result
    }

    private func failure(_ client: MikroTikClient) async -> MikroTikError? {
        do {
            _ = try await client.ask("¿Cuántos clientes hay?")
            return nil
        } catch {
            return error
        }
    }

    @Test("A question is posted with the seconds that its answer may take, and answered in words")
    func asks() async throws {
        let simulator = SimulatedMikroTik(logger: logger)
        let http = HTTPClient(logger: logger)
        let client = MikroTikClient(.init(baseURL: try simulator.start()), http: http)
        #expect(
            try await client.ask("¿Cuántos clientes activos hay en router-146?")
                == "En el router FIBRA OPTICA hay 221 clientes activos.")
        #expect(try await client.ask("Dame el tráfico de TODOS los routers").contains("45.3 Mbps"))
        #expect(
            simulator.questions == [
                .init(text: "¿Cuántos clientes activos hay en router-146?", timeout: 10),
                .init(text: "Dame el tráfico de TODOS los routers", timeout: 25),
            ])
        #expect(try await client.checkHealth() == "MikroTik API 1.0")
        simulator.isHealthy = false
        await #expect(throws: MikroTikError.refused(status: 503)) { try await client.checkHealth() }
        await simulator.stop()
        await http.shutDown()
    }

    @Test(
        "Questions about everything may take 25 s, others 10 s",
        arguments: [
            ("¿Qué routers están configurados?", 10), ("Estado de todos los routers", 25), ("Reporte COMPLETO", 25),
            ("¿Cuál es el tráfico?", 10),
        ])
    func adaptsTimeout(_ question: String, _ seconds: Int) {
        let client = MikroTikClient(.init(baseURL: "http://127.0.0.1:1"), http: HTTPClient(logger: logger))
        #expect(client.timeout(for: question) == .seconds(seconds))
    }

    @Test("Questions share a connection: a second one is never made while the first stands")
    func keepsConnection() async throws {
        var configuration = HTTPServer.Configuration()
        configuration.maximumConnections = 1
        let closes = Mutex(0)
        try await withClient(configuration) { request in
            if request.headers["Connection"]?.lowercased() == "close" { closes.withLock { $0 += 1 } }
            return .json(["success": true, "response": "Sí."])
        } _: { client async throws in
            for _ in 1...3 {
                let answer = try await client.ask("¿Hay alarmas?")
                #expect(answer == "Sí.")
            }
        }
        #expect(closes.withLock { $0 } == 0)
    }

    @Test("A kept connection that has ended is made anew: the question is asked once more")
    func survivesLostConnections() async throws {
        // While one connection stands no other is made: the second question goes over the one that the first one left.
        var configuration = HTTPServer.Configuration()
        configuration.maximumConnections = 1
        let asked = Mutex(0)
        try await withClient(configuration) { _ in
            let number = asked.withLock { asked in
                asked += 1
                return asked
            }
            return number == 2 ? .drop() : .json(["success": true, "response": .string("Respuesta \(number).")])
        } _: { client async throws in
            let first = try await client.ask("¿Cuántos clientes hay?")
            let second = try await client.ask("¿Hay alarmas?")
            #expect(first == "Respuesta 1." && second == "Respuesta 3.")
        }
    }

    @Test("An answer that is not the API's is an error that says so, not an answer")
    func refusesOtherAnswers() async throws {
        let page = HTTPServerResponse.text("<html><body>Login</body></html>", contentType: "text/html")
        let answers: [(HTTPServerResponse, MikroTikError)] = [
            (page, .invalidAnswer("it is not JSON")),
            (.json(["answer": "42"]), .invalidAnswer("it has no “success” and “response”")),
            (.json(["success": true, "response": " "]), .invalidAnswer("it has no “success” and “response”")),
            (.json(["success": "yes", "response": "a"]), .invalidAnswer("it has no “success” and “response”")),
            (HTTPServerResponse(body: [UInt8](repeating: 32, count: 10 << 20)), .invalidAnswer("it is too large")),
            (HTTPServerResponse(status: 500), .refused(status: 500)),
            (.json(["success": false, "response": "Router apagado"]), .unanswered("Router apagado")),
        ]
        for (answer, error) in answers {
            try await withClient { _ in
                answer
            } _: { client in
                #expect(await failure(client) == error)
            }
        }
    }

    @Test("An API that hangs is given up when its time is over; one that is not there, at once")
    func givesUp() async throws {
        let forever = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingOldest(1))
        try await withClient(limit: .milliseconds(150)) { _ in
            for await _ in forever.stream {}
            return HTTPServerResponse()
        } _: { client in
            #expect(await failure(client) == .timedOut)
            forever.continuation.finish()
        }
        let nobody = MikroTikClient(.init(baseURL: "http://127.0.0.1:1"), http: HTTPClient(logger: logger))
        guard case .unreachable = await failure(nobody) else {
            Issue.record("an API that is not there must be unreachable")
            return
        }
    }
}
