import FoundationEssentials
import HTTP
import Platform

@testable import Simulators

/// What the tests of all simulators need: a quiet log, a client, and ends that come whatever happens.
enum Simulation {
    static let logger = Logger(label: "simulators-tests", level: .critical)

    /// Runs `body` with a client that is shut down afterwards.
    static func withClient<Value>(_ body: (HTTPClient) async throws -> Value) async throws -> Value {
        let client = HTTPClient(logger: logger)
        do {
            let value = try await body(client)
            await client.shutDown()
            return value
        } catch {
            await client.shutDown()
            throw error
        }
    }
}

/// A simulated OpenAI with a client that has its key.
struct OpenAIBench {
    let simulator: SimulatedOpenAI
    let client: HTTPClient
    let baseURL: String

    static func run(
        _ configuration: SimulatedOpenAI.Configuration = .init(), faults: FaultPlan = .none,
        _ body: (OpenAIBench) async throws -> Void
    ) async throws {
        let simulator = SimulatedOpenAI(configuration: configuration, faults: faults, logger: Simulation.logger)
        let baseURL = try simulator.start()
        try await Simulation.withClient { client in
            try await body(OpenAIBench(simulator: simulator, client: client, baseURL: baseURL))
        }
        await simulator.stop()
    }

    func request(_ body: JSON, key: String = "sk-simulated") -> HTTPClientRequest {
        HTTPClientRequest(
            .post, baseURL + "/chat/completions", headers: ["Authorization": "Bearer \(key)"], json: body)
    }

    func send(_ body: JSON) async throws -> HTTPClientResponse { try await client.send(request(body)) }
}
