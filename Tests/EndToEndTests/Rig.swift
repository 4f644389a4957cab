import Foundation
import Platform
import Postgres
import Simulators
import TestSupport

/// The whole product as it runs in production: a PostgreSQL of its own, the providers, and processes of the real executable.
final class Rig: Sendable {
    let server: PrivateServer
    let client: PostgresClient
    let providers: SimulatedProviders
    let processes: Processes
    /// Where the ingress is reached.
    let publicURL: String
    private let baml: BAMLServer?
    private let directory: URL

    /// Starts the database, the providers, one ingress and some workers, on the product's schema; with a BAML server between the
    /// workers and the model if so wanted.
    static func start(
        workers: Int, providers configuration: SimulatedProviders.Configuration = .init(),
        usesBAML: Bool = false, environment extra: [String: String] = [:]
    ) async throws -> Rig {
        let logger = Logger(label: "rig", level: .error)
        let directory = FileManager.default.temporaryDirectory.appending(path: "operadora-rig-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let server = try await PrivateServer.start(logger: logger)
        let url = try await server.createDatabase(named: "operadora")
        let providers = try SimulatedProviders(configuration: configuration, directory: directory.path, logger: logger)
        let port = try FreePort.any()
        let publicURL = "http://127.0.0.1:\(port)"
        var environment = providers.environment
        environment.merge([
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "DATABASE_URL": url, "MIGRATIONS_DIR": TestDatabase.migrations,
            "PUBLIC_URL": publicURL, "INGRESS_PORT": String(port),
            "BUSINESS_TIMEZONE": "America/New_York", "BUSINESS_HOURS": "mon-sun 06:00-22:00",
            "LOG_LEVEL": "warning", "LOG_FORMAT": "text",
        ]) { $1 }
        let baml = usesBAML ? try await Self.startBAML(for: &environment) : nil
        environment.merge(extra) { $1 }
        let processes = try Processes(environment: environment, log: directory.appending(path: "log").path)
        try await processes.run(["migrate", "up"])
        try processes.start("ingress", ["ingress"])
        for number in 1...workers { try processes.start("worker \(number)", ["worker"]) }
        var settings = PostgresConfiguration(connectionString: url)
        // Chaos restarts the database: the rig's own questions wait for it.
        settings.acquireTimeout = .seconds(30)
        let client = PostgresClient(settings, logger: logger)
        return Rig(
            server: server, client: client, providers: providers, processes: processes, publicURL: publicURL,
            baml: baml, directory: directory)
    }

    /// The model's address and key are then known to the BAML server alone.
    private static func startBAML(for environment: inout [String: String]) async throws -> BAMLServer {
        let baml = try await BAMLServer.start(
            modelURL: environment.removeValue(forKey: "OPENAI_BASE_URL"),
            apiKey: environment.removeValue(forKey: "OPENAI_API_KEY") ?? "",
            modelName: environment.removeValue(forKey: "OPENAI_MODEL") ?? "")
        environment["LANGUAGE_MODEL"] = "baml"
        environment["BAML_URL"] = baml.url
        environment["BAML_PASSWORD"] = BAMLServer.password
        return baml
    }

    private init(
        server: PrivateServer, client: PostgresClient, providers: SimulatedProviders, processes: Processes,
        publicURL: String, baml: BAMLServer?, directory: URL
    ) {
        self.server = server
        self.client = client
        self.providers = providers
        self.processes = processes
        self.publicURL = publicURL
        self.baml = baml
        self.directory = directory
    }

    /// Ends everything. The processes are asked to stop first, as a deploy would.
    func stop() async {
        await processes.stop()
        await baml?.stop()
        await providers.stop()
        await client.close()
        await server.stop()
        try? FileManager.default.removeItem(at: directory)
    }

    /// What the processes wrote to their log, for a test that failed.
    var log: String { (try? String(contentsOf: directory.appending(path: "log"), encoding: .utf8)) ?? "" }
}

extension SimulatedProviders.Configuration {
    /// Nobody takes their time, and no rate is kept.
    static func quick(_ callees: CalleeBook = CalleeBook()) -> Self {
        var configuration = Self()
        configuration.twilio.callsPerSecond = .infinity
        configuration.twilio.speed = .infinity
        // The ingress may still be starting when somebody phones it.
        configuration.twilio.webhookRetryDelay = .seconds(1)
        configuration.twilio.callees = callees
        return configuration
    }
}
