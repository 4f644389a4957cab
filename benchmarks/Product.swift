import FoundationEssentials
import Glibc
import HTTP
import Platform
import Postgres
import Providers
import Simulators

/// The real executable as processes of its own, with calls that stand ready, and a Twilio that asks as fast as it is told.
final class Product: Sendable {
    let client: PostgresClient
    let callIDs: [Int64]
    let ingress: ChildProcess
    private let url: String
    private let http: HTTPClient
    private let signature: TwilioSignature
    private let providers: SimulatedProviders
    private let processes: [ChildProcess]
    private let home: String

    /// - Parameters:
    ///   - think: how long the model takes for each answer.
    ///   - workers: how many worker processes.
    static func start(_ bench: Bench, _ name: String, calls: Int, workers: Int, think: Duration) async throws -> Product
    {
        let database = try await bench.database(name)
        let home = FileManager.default.temporaryDirectory.appending(path: "operadora-bench-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: true)
        var settings = SimulatedProviders.Configuration()
        settings.openAI.thinkTime = think
        settings.openAI.answer = { _ in ChatAnswer(text: "Of course. What else would you like to know?") }
        let providers = try SimulatedProviders(configuration: settings, directory: home, logger: bench.logger)
        let client = bench.client(database)
        let callIDs = try await insertCalls(calls, client)
        let port = 20_000 + Int.random(in: 0..<20_000)
        var environment = providers.environment
        environment.merge([
            "DATABASE_URL": database, "PUBLIC_URL": "http://127.0.0.1:\(port)", "INGRESS_PORT": "\(port)",
            "LOG_LEVEL": "error", "MALLOC_ARENA_MAX": "2",
        ]) { $1 }
        let directory = (try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") as String)
            .split(separator: "/").dropLast().joined(separator: "/")
        let executable = "/\(directory)/operadora"
        func start(_ command: String) throws -> ChildProcess {
            try ChildProcess.start(executable, [command], environment: environment, output: .null)
        }
        let ingress = try start("ingress")
        let others = try (0..<workers).map { _ in try start("worker") }
        let product = Product(
            client: client, callIDs: callIDs, ingress: ingress, port: port, providers: providers,
            processes: [ingress] + others, home: home, logger: bench.logger)
        try await product.waitUntilUp(workers: workers)
        return product
    }

    private init(
        client: PostgresClient, callIDs: [Int64], ingress: ChildProcess, port: Int, providers: SimulatedProviders,
        processes: [ChildProcess], home: String, logger: Logger
    ) {
        self.client = client
        self.callIDs = callIDs
        self.ingress = ingress
        self.url = "http://127.0.0.1:\(port)"
        self.providers = providers
        self.processes = processes
        self.home = home
        var settings = HTTPClient.Configuration()
        settings.maximumConcurrentRequestsPerHost = 512
        http = HTTPClient(configuration: settings, logger: logger)
        signature = TwilioSignature(authToken: Secret(providers.environment["TWILIO_AUTH_TOKEN"] ?? ""))
    }

    func stop() async {
        for process in processes { process.signal(SIGTERM) }
        for process in processes { _ = try? await process.exit() }
        await http.shutDown()
        await providers.stop()
        await client.close()
        try? FileManager.default.removeItem(atPath: home)
    }

    /// Sends one signed webhook. Returns how long its answer took; throws unless that is 2xx.
    func webhook(_ path: String, call: Int64, _ fields: FormFields) async throws -> (Duration, String) {
        var form = fields
        form.add("CallSid", Self.sid(call))
        let target = url + path
        var request = HTTPClientRequest(.post, target, form: form)
        request.headers[TwilioSignature.header] = signature.sign(url: target, form: form)
        let start = ContinuousClock.now
        let response = try await http.send(request)
        guard (200..<300).contains(response.status) else { throw Refused(status: response.status, text: response.text) }
        return (ContinuousClock.now - start, response.text)
    }

    struct Refused: Error {
        let status: Int
        let text: String
    }

    private static func sid(_ call: Int64) -> String {
        let digits = String(call)
        return "CA" + String(repeating: "0", count: 32 - digits.count) + digits
    }

    private static func insertCalls(_ count: Int, _ client: PostgresClient) async throws -> [Int64] {
        try await client.batch([
            """
            INSERT INTO campaigns (name, language, timezone, tools, status)
            VALUES ('Benchmark', 'en', 'America/New_York', '{}', 'running')
            """,
            """
            INSERT INTO leads (campaign_id, name, phone)
            SELECT campaigns.id, 'Lead ' || n, '+1212555' || to_char(n, 'FM0000')
            FROM campaigns, generate_series(1, \(count)) AS n
            """,
            """
            INSERT INTO calls (campaign_id, lead_id, to_phone, provider, provider_call_id, status, language, timezone,
                dial_intent_at, started_at)
            SELECT campaign_id, id, phone, 'twilio', 'CA' || lpad(id::text, 32, '0'), 'ringing', 'en',
                'America/New_York', now(), now()
            FROM leads ORDER BY id
            """,
        ])
        return try await client.query("SELECT id FROM calls ORDER BY id").map { try $0.decode(Int64.self) }
    }

    private func waitUntilUp(workers: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline {
            let health = try? await http.send(HTTPClientRequest(.get, url + "/health"))
            let present = try await client.query("SELECT FROM workers").count
            if health?.status == 200, present == workers { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Refused(status: 0, text: "ingress and workers did not start within 20 s")
    }
}
