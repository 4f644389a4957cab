import FoundationEssentials
import HTTP
import Platform

/// The ingress and the workers of a demo.
struct DemoProcesses: Sendable {
    private static let startLimit = Duration.seconds(30)

    let publicURL: String
    private let ingress: DemoProcess
    private let workers: [DemoProcess]

    /// Of our own environment; nothing of the user's configuration comes through.
    static let inherited: Set = ["PATH", "HOME", "LANG", "LC_ALL", "TZDIR", "LD_LIBRARY_PATH", "MALLOC_ARENA_MAX"]

    /// What is not the providers'.
    static func environment(database: String, migrations: String) -> [String: String] {
        let own = ProcessInfo.processInfo.environment.filter { inherited.contains($0.key) }
        return own.merging([
            "DATABASE_URL": database, "MIGRATIONS_DIR": migrations, "BUSINESS_TIMEZONE": "America/New_York",
            "BUSINESS_HOURS": "mon-sat 08:00-20:00", "RECONCILE_AFTER_SECONDS": "10", "LOG_LEVEL": "info",
            "LOG_FORMAT": "text",
            "JOB_SEALING_KEYS": "demo:\(Data(Cryptography.randomBytes(32)).base64EncodedString())",
        ]) { _, new in new }
    }

    /// Starts the ingress on a free port, and the workers when it answers.
    static func start(_ environment: [String: String], home: DemoHome, logger: Logger) async throws -> DemoProcesses {
        let http = HTTPClient(logger: logger)
        let port = try FreePort.find()
        var environment = environment
        environment["INGRESS_PORT"] = String(port)
        environment["PUBLIC_URL"] = "http://127.0.0.1:\(port)"
        let ingress = try DemoProcess("ingress", name: "ingress", environment: environment, home: home)
        var workers: [DemoProcess] = []
        do {
            try await waitForHealth(of: ingress, "http://127.0.0.1:\(port)/health", http)
            for number in 1...2 {
                workers.append(
                    try DemoProcess("worker", name: "worker-\(number)", environment: environment, home: home))
            }
        } catch {
            await stop(workers + [ingress])
            await http.shutDown()
            throw error
        }
        await http.shutDown()
        return DemoProcesses(publicURL: "http://127.0.0.1:\(port)", ingress: ingress, workers: workers)
    }

    /// Runs `body`; throws as soon as one of the processes ends.
    func whileAllRun(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for process in workers + [ingress] {
                group.addTask {
                    // Cancelled with the body, whose end it is that counts.
                    do { try await process.watch() } catch is CancellationError {}
                    return false
                }
            }
            group.addTask {
                try await body()
                return true
            }
            defer { group.cancelAll() }
            while let isEnd = try await group.next(), !isEnd {}
        }
    }

    func stop() async { await Self.stop(workers + [ingress]) }

    private static func stop(_ processes: [DemoProcess]) async {
        await withTaskGroup(of: Void.self) { group in
            for process in processes { group.addTask { await process.stop() } }
        }
    }

    private static func waitForHealth(of ingress: DemoProcess, _ url: String, _ http: HTTPClient) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await ingress.watch() }
            group.addTask {
                let clock = Stopwatch()
                while (try? await http.send(HTTPClientRequest(.get, url)))?.status != 200 {
                    guard clock.elapsed < startLimit else {
                        throw CommandFailure("the ingress is not healthy after \(startLimit)")
                    }
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
