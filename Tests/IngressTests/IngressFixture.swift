import Calls
import FoundationEssentials
import HTTP
import Ingress
import Jobs
import Platform
import Postgres
import Providers
import TestSupport
import Testing

/// An ingress on a port of its own with a database of its own, its queue, and a way to speak to it as Twilio does.
struct IngressFixture: Sendable {
    typealias TurnHandler =
        @Sendable (ProcessConversation, JobContext, TestDatabase) async throws -> JobOutcome

    static let token = Secret("the-auth-token")
    static let publicURL = "https://calls.example.com"
    static let logger = Logger(label: "tests", level: .critical)

    let database: TestDatabase
    let queue: JobQueue
    let metrics: MetricsRegistry
    let port: Int
    let http: HTTPClient

    /// - Parameters:
    ///   - hold: how long a request may be held.
    ///   - connectionString: of another database for the ingress and the worker than `database`.
    ///   - handler: answers turns in place of the real worker; nil when nobody does.
    static func with<Result: Sendable>(
        hold: Duration = .seconds(10), connectionString: String? = nil, authToken: Secret? = token,
        apiTokens: [Secret] = [], maximumWaitingTools: Int = 64, logger: Logger = logger,
        handler: TurnHandler? = nil,
        body: (IngressFixture) async throws -> Result
    ) async throws -> Result {
        let database = try await TestDatabase.make()
        let client = connectionString.map {
            PostgresClient(PostgresConfiguration(connectionString: $0), logger: logger)
        }
        let ingressClient = client ?? database.client
        let metrics = MetricsRegistry()
        let queue = JobQueue(ingressClient, logger: logger)
        var settings = CallSettings()
        settings.publicURL = publicURL
        settings.turnHold = hold
        settings.defaultLanguage = "es"
        settings.businessTimezone = "America/Mexico_City"
        var configuration = IngressConfiguration(
            settings: settings, twilioAuthToken: authToken, apiTokens: apiTokens)
        configuration.maximumWaitingTools = maximumWaitingTools
        let ingress = IngressHandler(
            configuration: configuration, postgres: ingressClient, queue: queue, metrics: metrics, logger: logger)
        let server = try ingress.server(port: 0)
        let fixture = IngressFixture(
            database: database, queue: queue, metrics: metrics, port: server.port, http: HTTPClient(logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await queue.run() }
            if let handler {
                let worker = fixture.worker(on: ingressClient, handler)
                group.addTask { try await worker.run() }
            }
            let outcome: Swift.Result<Result, any Error>
            do { outcome = .success(try await body(fixture)) } catch { outcome = .failure(error) }
            await server.stop()
            await fixture.http.shutDown()
            group.cancelAll()
            try await group.waitForAll()
            await client?.close()
            await database.client.close()
            return try outcome.get()
        }
    }

    private func worker(
        on client: PostgresClient,
        _ handler: @escaping TurnHandler
    ) -> Worker {
        var registry = JobRegistry()
        let database = database
        registry.register(ProcessConversation.self, retry: RetryPolicy { _ in .milliseconds(1) }) {
            try await handler($0, $1, database)
        }
        return Self.worker(on: client, registry)
    }

    /// Runs tool calls, each with the result that `answer` gives.
    func toolWorker(_ answer: @escaping @Sendable (ExecuteTool) -> JSON) -> Worker {
        var registry = JobRegistry()
        registry.register(ExecuteTool.self) { job, _ in
            let result = answer(job)
            return .completed([
                "success": result["success"] ?? false, "result": result,
                "system_action": result["system_action"] ?? .null, "url": result["url"] ?? .null,
            ])
        }
        return Self.worker(on: database.client, registry)
    }

    private static func worker(on client: PostgresClient, _ registry: JobRegistry) -> Worker {
        var configuration = Worker.Configuration()
        configuration.queues = ["turns": 8, "tools": 8]
        return Worker(
            JobQueue(client, logger: logger), registry: registry, configuration: configuration,
            metrics: MetricsRegistry(), logger: logger)
    }
}

/// Answers as the real worker does: the utterances and the end of the job in one transaction.
@Sendable
func converse(_ turn: ProcessConversation, _ context: JobContext, _ database: TestDatabase) async throws
    -> JobOutcome
{
    let number = turn.speech == nil ? turn.turn : turn.turn + 1
    let say = turn.speech.map { "Usted dijo: \($0)" } ?? "Hola, turno \(turn.turn)"
    try await database.client.withTransaction { connection in
        if let speech = turn.speech {
            try await connection.query(
                """
                INSERT INTO turns (call_id, number, role, content, confidence)
                VALUES (\(turn.callID), \(Int32(turn.turn)), 'caller', \(speech), \(turn.confidence)::real)
                """)
        }
        try await connection.query(
            """
            INSERT INTO turns (call_id, number, role, content, in_reply_to)
            VALUES (\(turn.callID), \(Int32(number)), 'agent', \(say), \(Int32(turn.turn)))
            """)
        let answer = SpokenAnswer(say: say, language: "es", nextTurn: number + 1, endsCall: false)
        try await context.complete(try JSON(encoding: answer), in: connection)
    }
    return .completedInTransaction
}

/// As Twilio.
extension IngressFixture {
    /// Posts a form that Twilio has signed. `target` is the path with its query, or a whole callback URL of ours.
    func post(_ target: String, _ form: FormFields, signature: String? = nil) async throws -> HTTPClientResponse {
        let target = target.hasPrefix(Self.publicURL) ? String(target.dropFirst(Self.publicURL.count)) : target
        let signed = TwilioSignature(authToken: Self.token).sign(url: Self.publicURL + target, form: form)
        return try await http.send(
            HTTPClientRequest(
                .post, "http://127.0.0.1:\(port)\(target)", headers: ["X-Twilio-Signature": signature ?? signed],
                form: form))
    }

    func get(_ path: String) async throws -> HTTPClientResponse {
        try await http.send(HTTPClientRequest(.get, "http://127.0.0.1:\(port)\(path)"))
    }
}

/// What stands in the database.
extension IngressFixture {
    /// A call under way to somebody in Mexico.
    func makeCall(status: String = "in_progress", sid: String? = "CA1", language: String = "es") async throws -> Int64 {
        let rows = try await database.client.query(
            """
            INSERT INTO calls (provider, provider_call_id, from_phone, to_phone, status, language, timezone,
                dial_intent_at, started_at, ended_at)
            VALUES ('twilio', \(sid), '+15550000001', '+525512345678', \(status), \(language), 'America/Mexico_City',
                now(), now(), CASE WHEN \(status) IN ('ended', 'uncertain') THEN now() END)
            RETURNING id
            """)
        return try #require(rows.first).decode(Int64.self)
    }

    func addAnswer(_ text: String, call: Int64, turn: Int, number: Int) async throws {
        try await database.client.query(
            """
            INSERT INTO turns (call_id, number, role, content, in_reply_to)
            VALUES (\(call), \(Int32(number)), 'agent', \(text), \(Int32(turn)))
            """)
    }

    /// The arguments of all jobs of a kind, waiting and ended, oldest first.
    func jobs(_ kind: String) async throws -> [JSON] {
        try await database.client.query(
            """
            SELECT arguments FROM (SELECT id, kind, arguments FROM jobs UNION ALL SELECT id, kind, arguments FROM finished_jobs)
                AS every_job
            WHERE kind = \(kind) ORDER BY id
            """
        ).map { try $0.decode(JSON.self) }
    }
}

/// Reading TwiML.
enum Spoken {
    /// The text of the first `<Say>`.
    static func said(_ response: HTTPClientResponse) -> String? {
        response.text.firstMatch(of: /<Say[^>]*>(.*?)<\/Say>/).map { String($0.1) }
    }

    static func redirect(_ response: HTTPClientResponse) -> String? {
        response.text.firstMatch(of: /<Redirect[^>]*>(.*?)<\/Redirect>/)
            .map { String($0.1).replacing("&amp;", with: "&") }
    }

    static func action(_ response: HTTPClientResponse) -> String? {
        response.text.firstMatch(of: /action="(.*?)"/).map { String($0.1).replacing("&amp;", with: "&") }
    }
}

/// Lets tasks wait until a test says so.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(100)) }

    /// Lets one waiter through, now or later.
    func open() { continuation.yield() }

    func wait() async {
        var iterator = stream.makeAsyncIterator()
        _ = await iterator.next(isolation: nil)
    }
}
