import HTTP
import Platform
import Testing

@testable import operadora

@Suite struct MetricsServerTests {
    private let logger = Logger(label: "tests", level: .critical)

    private func configuration(_ variables: [String: String]) throws -> MetricsConfiguration {
        var reader = EnvironmentReader(Environment(variables))
        let configuration = MetricsConfiguration(&reader)
        try reader.finish()
        return configuration
    }

    @Test("A worker with METRICS_PORT shows what it counts at /metrics, and nothing else")
    func metrics() async throws {
        let metrics = MetricsRegistry()
        metrics.counter("operadora_jobs_rescued_total", help: "Rescued.").increment(by: 3)
        let server = try #require(try MetricsServer.make(configuration(["METRICS_PORT": "0"]), metrics, logger: logger))
        let client = HTTPClient(logger: logger)
        let page = try await client.send(HTTPClientRequest(.get, "http://127.0.0.1:\(server.port)/metrics"))
        #expect(page.status == 200)
        #expect(String(decoding: page.body, as: UTF8.self).contains("operadora_jobs_rescued_total 3"))
        let other = try await client.send(HTTPClientRequest(.get, "http://127.0.0.1:\(server.port)/"))
        #expect(other.status == 404)
        await client.shutDown()
        await server.stop()
    }

    @Test("Without METRICS_PORT a worker opens no listener")
    func none() throws {
        #expect(try MetricsServer.make(configuration([:]), MetricsRegistry(), logger: logger) == nil)
    }
}
