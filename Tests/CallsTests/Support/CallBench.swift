import Agents
import FoundationEssentials
import Platform
import Postgres
import TestSupport

@testable import Calls
@testable import Jobs

/// A database with the product's schema, the handlers of calls, and a worker that runs a job when the test says so: every
/// step, and every death between two steps, is the test's own.
struct CallBench: Sendable {
    let database: TestDatabase
    let telephony = FakeTelephony()
    let calendar = HeldCalendar()
    let mailer = FakeMailer()
    let services: CallServices
    private let registry: JobRegistry
    private let worker: Int64

    init(
        model: any LanguageModel = ScriptedModel([]), keys: Keyring = Keyring(),
        messenger: (any TextMessenger)? = nil, _ change: (inout CallSettings) -> Void = { _ in }
    ) async throws {
        database = try await TestDatabase.make()
        var settings = CallSettings()
        settings.fromNumber = "+15550000000"
        change(&settings)
        let logger = Logger(label: "test", level: .critical)
        var services = CallServices(
            postgres: database.client, queue: JobQueue(database.client, keys: keys, logger: logger),
            telephony: telephony, calendar: calendar, model: model, modelName: "scripted", mailer: mailer,
            settings: settings, metrics: MetricsRegistry(), logger: logger)
        services.tools.messenger = messenger
        self.services = services
        var registry = JobRegistry()
        CallJobs.register(in: &registry, services: services)
        self.registry = registry
        worker = try await database.client.query(
            "SELECT register_worker('test', '{calls,turns,default}', \(Array(registry.kinds.keys)), interval '1 h')"
        )[0].decode(Int64.self)
    }

    // MARK: rows

    @discardableResult
    func query(_ query: PostgresQuery) async throws -> PostgresResult { try await database.client.query(query) }

    func value<Value: PostgresDecodable>(_ query: PostgresQuery) async throws -> Value {
        try await value(Value.self, query)
    }

    func value<Value: PostgresDecodable>(_ type: Value.Type, _ query: PostgresQuery) async throws -> Value {
        guard let row = try await self.query(query).first else { throw NoRow() }
        return try row.decode(Value.self)
    }

    /// A running campaign without limits that matter; `settings` are assignments.
    func campaign(_ settings: String = "max_concurrent_calls = 100") async throws -> Int64 {
        let id: Int64 = try await value(
            """
            INSERT INTO campaigns (name, status, calls_per_second, language, timezone)
            VALUES (gen_random_uuid()::text, 'running', 10000, 'en', 'UTC') RETURNING id
            """)
        try await query("UPDATE campaigns SET \(unsafe: settings) WHERE id = \(id)")
        return id
    }

    func lead(_ campaign: Int64, phone: String? = nil) async throws -> Int64 {
        let phone = phone ?? "+1555\(Int.random(in: 1_000_000...9_999_999))"
        return try await value(
            "INSERT INTO leads (campaign_id, phone) VALUES (\(campaign), \(phone)) RETURNING id")
    }

    /// A queued call with its job.
    func queuedCall(_ campaign: Int64, phone: String? = nil) async throws -> Int64 {
        let lead = try await lead(campaign, phone: phone)
        try await query("SELECT enqueue_call(\(lead))")
        return try await value("SELECT id FROM calls WHERE lead_id = \(lead) AND status = 'queued'")
    }

    /// A call that its provider has accepted.
    func dialledCall(_ campaign: Int64, phone: String? = nil) async throws -> (id: Int64, providerCallID: String) {
        let id = try await queuedCall(campaign, phone: phone)
        try await runAll()
        return (id, try await value("SELECT provider_call_id FROM calls WHERE id = \(id)"))
    }

    func status(_ call: Int64) async throws -> String { try await value("SELECT status FROM calls WHERE id = \(call)") }
    func outcome(_ call: Int64) async throws -> String? {
        try await value("SELECT outcome FROM calls WHERE id = \(call)")
    }

    /// Lets the intent of a call lie so long in the past.
    func age(_ call: Int64, by seconds: Int) async throws {
        try await query(
            """
            UPDATE calls SET dial_intent_at = dial_intent_at - make_interval(secs => \(seconds)),
                last_event_at = last_event_at - make_interval(secs => \(seconds)),
                answered_at = answered_at - make_interval(secs => \(seconds)),
                started_at = started_at - make_interval(secs => \(seconds)) WHERE id = \(call)
            """)
    }

    // MARK: jobs

    /// Claims what is available, the oldest first.
    func claim(_ limit: Int = 1, from queues: [String] = ["turns", "calls", "default"]) async throws -> [ClaimedJob] {
        var claimed: [ClaimedJob] = []
        for queue in queues where claimed.count < limit {
            let rows = try await query(
                Statements.claim(
                    worker, queue: queue, kinds: Array(registry.kinds.keys), atMost: limit - claimed.count,
                    after: .front))
            claimed += try ClaimedJob.list(rows, worker: worker)
        }
        return claimed
    }

    /// Runs a claimed job to its handler's end. What the worker would then write is not written: as if it died just before.
    func runWithoutEnd(_ job: ClaimedJob) async throws -> RunEnding {
        guard let kind = registry.kinds[job.kind] else { throw NoRow() }
        let context = JobContext(
            job, sealing: kind.sealing, keys: services.queue.keys,
            announcer: Announcer(database.client, logger: services.logger), logger: services.logger)
        var result: RunEnding.Result
        do {
            result = .returned(try await kind.run(job.arguments, context))
        } catch {
            result = .threw(error)
        }
        return RunEnding(
            job: job, kind: kind, result: result, stop: nil, transactionalEnd: context.transactionalEnd)
    }

    @discardableResult
    func run(_ job: ClaimedJob) async throws -> RunEnding {
        let ending = try await runWithoutEnd(job)
        if let settlement = ending.settlement {
            let settlements = [settlement]
            try await database.client.withConnection { connection in
                let settled = try await Statements.settle(settlements, wait: true, on: connection)
                guard settled.stale.isEmpty || settlement.isFallback else { throw JobError.leaseLost(job.lease.id) }
            }
        }
        return ending
    }

    /// Runs what is available until nothing is; jobs that wait for a time go on waiting.
    func runAll() async throws { try await services.queue.drain(["turns", "calls", "default"], with: registry) }

    /// The worker that holds these jobs died, and they were rescued.
    func rescue() async throws {
        try await query("UPDATE jobs SET state = 'available', worker = NULL WHERE state = 'running'")
    }

    /// The time that scheduled jobs wait for has come.
    func hasten() async throws {
        try await query("SELECT wake_job(id) FROM jobs WHERE state = 'scheduled'")
    }

    /// How many slots of a limit are held.
    func slots(_ limit: String) async throws -> Int {
        try await value("SELECT count(*) FROM job_slots WHERE limit_name = \(limit)")
    }

    func jobs(_ kind: String) async throws -> Int {
        try await value("SELECT count(*) FROM jobs WHERE kind = \(kind)")
    }
}

struct NoRow: Error {}
