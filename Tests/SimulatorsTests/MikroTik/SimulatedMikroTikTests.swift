import HTTP
import Platform
import Simulators
import Testing

@Suite struct SimulatedMikroTikTests {
    private static let logger = Logger(label: "test", level: .critical)

    @Test("Of the wire form nothing may be missing, wrong or added")
    func isStrict() async throws {
        let simulator = SimulatedMikroTik(logger: Self.logger)
        let http = HTTPClient(logger: Self.logger)
        let url = try simulator.start()
        let requests: [(HTTPClientRequest, Int)] = [
            (HTTPClientRequest(.post, url + "/query", json: ["question": "¿Routers?", "timeout": 10]), 200),
            (HTTPClientRequest(.post, url + "/query", json: ["question": "¿Routers?"]), 422),
            (HTTPClientRequest(.post, url + "/query", json: ["question": " ", "timeout": 10]), 422),
            (HTTPClientRequest(.post, url + "/query", json: ["question": "¿Routers?", "timeout": "10"]), 422),
            (HTTPClientRequest(.post, url + "/query", json: ["question": "¿Routers?", "timeout": 61]), 422),
            (HTTPClientRequest(.post, url + "/query", json: ["question": "a", "timeout": 10, "model": "b"]), 422),
            (HTTPClientRequest(.post, url + "/query", json: ["a"]), 400),
            (HTTPClientRequest(.post, url + "/query", form: ["question": "a"]), 415),
            (HTTPClientRequest(.get, url + "/query"), 405),
            (HTTPClientRequest(.get, url + "/health"), 200),
            (HTTPClientRequest(.get, url + "/"), 404),
        ]
        for (request, status) in requests { #expect(try await http.send(request).status == status) }
        #expect(simulator.questions == [.init(text: "¿Routers?", timeout: 10)])
        await simulator.stop()
        await http.shutDown()
    }
}
