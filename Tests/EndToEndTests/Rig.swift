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
    private let directory: URL

    /// Starts the database, the providers, one ingress and some workers, on the product's schema.
    static func start(
        workers: Int, providers configuration: SimulatedProviders.Configuration = .init(),
        environment extra: [String: String] = [:]
    ) async throws -> Rig {
        let logger = Logger(label: "rig", level: .error)
        let directory = FileManager.default.temporaryDirectory.appending(path: "operadora-rig-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let server = try await PrivateServer.start(logger: logger)
        let url = try await server.createDatabase(named: "operadora")
        let providers = try SimulatedProviders(configuration: configuration, directory: directory.path, logger: logger)
        let port = try freePort()
        var environment = providers.environment
        environment.merge([
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "DATABASE_URL": url, "MIGRATIONS_DIR": TestDatabase.migrations,
            "PUBLIC_URL": "http://127.0.0.1:\(port)", "INGRESS_PORT": String(port),
            "BUSINESS_TIMEZONE": "America/New_York", "BUSINESS_HOURS": "mon-sun 06:00-22:00",
            "LOG_LEVEL": "warning", "LOG_FORMAT": "text",
        ]) { $1 }
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
            server: server, client: client, providers: providers, processes: processes, directory: directory)
    }

    private init(
        server: PrivateServer, client: PostgresClient, providers: SimulatedProviders, processes: Processes,
        directory: URL
    ) {
        self.server = server
        self.client = client
        self.providers = providers
        self.processes = processes
        self.directory = directory
    }

    /// Ends everything. The processes are asked to stop first, as a deploy would.
    func stop() async {
        await processes.stop()
        await providers.stop()
        await client.close()
        await server.stop()
        try? FileManager.default.removeItem(at: directory)
    }

    /// What the processes wrote to their log, for a test that failed.
    var log: String { (try? String(contentsOf: directory.appending(path: "log"), encoding: .utf8)) ?? "" }

    /// A number that no one listens on just now.
    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 ? getsockname(descriptor, address, &length) : -1
            }
        }
        guard status == 0 else { throw POSIXError(.EADDRINUSE) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
