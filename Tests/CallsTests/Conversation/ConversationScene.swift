import Agents
import FoundationEssentials
import Jobs
import Platform
import Postgres
import Synchronization
import TestSupport

@testable import Calls

/// One call in a database of its own, talked through turn by turn.
struct ConversationScene: Sendable {
    let database: TestDatabase
    let calendar = FakeCalendar()
    let services: CallServices
    private(set) var callID: Int64
    private var providerCallID = "CA1"
    let phone = "+525512345678"
    /// Job results, in the order of the transactions that wrote them.
    private let results = Results()

    private final class Results: Sendable {
        let all = Mutex<[JSON]>([])
    }

    struct Options: Sendable {
        var language = "en"
        var tools: [String]?
        var greeting: String?
        var hasMailer = false
        var messenger: (any TextMessenger)?
        var transferNumber: String?
        var file: ToolsFile?
        /// What the tools are made of besides.
        var sources: @Sendable (inout ToolSources) -> Void = { _ in }
        var logger = Logger(label: "test", level: .critical)
        var configure: @Sendable (inout CallSettings) -> Void = { _ in }
    }

    init(_ model: ScriptedModel, _ options: Options = Options()) async throws {
        database = try await TestDatabase.make()
        let logger = options.logger
        var settings = CallSettings()
        settings.businessTimezone = "America/Mexico_City"
        settings.provider = "simulator"
        options.configure(&settings)
        var services = CallServices(
            postgres: database.client, queue: JobQueue(database.client, logger: logger), telephony: NoTelephony(),
            calendar: calendar, model: model, modelName: "scripted", mailer: options.hasMailer ? NoMailer() : nil,
            settings: settings, metrics: MetricsRegistry(), logger: logger)
        services.tools.messenger = options.messenger
        services.tools.transferNumber = options.transferNumber
        services.tools.file = options.file
        options.sources(&services.tools)
        self.services = services
        callID = try await Self.insertCall(database.client, phone, options)
    }

    private static func insertCall(_ client: PostgresClient, _ phone: String, _ options: Options) async throws -> Int64
    {
        let rows = try await client.query(
            """
            WITH campaign AS (
                INSERT INTO campaigns (name, status, instructions, greeting, tools)
                VALUES ('Spring', 'running', 'Offer a demo.', \(options.greeting), \(options.tools)) RETURNING id
            ), lead AS (
                INSERT INTO leads (campaign_id, name, phone, email, language, timezone, variables)
                SELECT id, 'Ana Ruiz', \(phone), 'ana@example.com', \(options.language), 'America/Mexico_City',
                    '{"company":"ACME"}'
                FROM campaign RETURNING id, campaign_id
            )
            INSERT INTO calls (campaign_id, lead_id, to_phone, from_phone, language, timezone, status, provider,
                dial_intent_at, started_at)
            SELECT campaign_id, id, \(phone), '+15550001111', \(options.language), 'America/Mexico_City', 'dialing',
                'simulator', now(), now()
            FROM lead RETURNING id
            """)
        return try rows[0].decode(Int64.self)
    }

    /// A call of the same campaign that the same process talks through, to somebody else.
    func anotherCall() async throws -> Self {
        var other = self
        other.providerCallID = "CA2"
        other.callID = try await value(
            """
            INSERT INTO calls (campaign_id, to_phone, from_phone, language, timezone, status, provider, dial_intent_at,
                started_at)
            SELECT id, '+525512340000', '+15550001111', 'en', 'America/Mexico_City', 'dialing', 'simulator', now(),
                now()
            FROM campaigns RETURNING id
            """)
        return other
    }

    // MARK: turns

    /// One run of the handler. `complete` stands for the end of the job: when it throws, nothing is committed.
    func turn(
        _ number: Int, _ speech: String? = nil, confidence: Double? = 0.9, answeredBy: String? = nil,
        complete: (@Sendable () throws -> Void)? = nil
    ) async throws -> SpokenAnswer {
        let job = ProcessConversation(
            callID: callID, turn: number, speech: speech, confidence: speech == nil ? nil : confidence,
            providerCallID: providerCallID, answeredBy: answeredBy)
        let reply = try await ConversationHandler(services).answer(job) { result, statements in
            try complete?()
            try await services.postgres.batch(statements)
            results.all.withLock { $0.append(result) }
        }
        switch reply {
        case .unknownCall: throw UnknownCall()
        case .stored(let answer), .committed(let answer): return answer
        }
    }

    struct UnknownCall: Error {}

    /// The results that transactions were committed with, or were to be.
    var jobResults: [JSON] { results.all.withLock { $0 } }

    // MARK: what stands afterwards

    /// One value of one row.
    func value<Value: PostgresDecodable>(_ query: PostgresQuery, as type: Value.Type = Value.self) async throws -> Value
    {
        try await database.client.query(query)[0].decode(Value.self)
    }

    func count(_ table: String, where condition: String = "true") async throws -> Int {
        try await value("SELECT count(*) FROM \(unsafe: table) WHERE \(unsafe: condition)")
    }

    /// "1 agent greeting", "2 caller", …
    func transcript() async throws -> [String] {
        try await database.client.query(
            "SELECT concat_ws(' ', number, role, purpose) FROM turns WHERE call_id = \(callID) ORDER BY number"
        ).map { try $0.decode(String.self) }
    }
}

/// Never asked: a conversation neither dials nor hangs up by itself.
private struct NoTelephony: Telephony {
    struct Asked: Error {}
    func dial(_ request: DialRequest) async throws -> String { throw Asked() }
    func find(to: String, from: String, within age: Duration) async throws -> [ProviderCall] { throw Asked() }
    func state(of id: String) async throws -> ProviderCall? { throw Asked() }
    func hangUp(_ id: String) async throws { throw Asked() }
}

/// Its presence says that mail can be sent; jobs send it.
private struct NoMailer: Mailer {
    struct Asked: Error {}
    func send(_ email: Email) async throws { throw Asked() }
}

/// Models that behave by what the conversation holds, so that a turn that is run again goes on from where it was.
enum Scripts {
    /// Looks up tomorrow, books the first slot, and says so.
    static func booking(_ claim: String = "I've booked it.") -> ScriptedModel {
        ScriptedModel { request, number in
            let results = results(in: request)
            if results.contains(where: { $0["meeting_id"] != nil }) { return ModelResponse(text: claim) }
            if let failure = results.last(where: { $0["reason"] != nil }) {
                return ModelResponse(text: "Not booked: \(failure["reason"]?.string ?? "")")
            }
            guard let slot = results.compactMap({ $0["available_slots"]?[0] }).last else {
                return .calling(CheckAvailabilityTool.name, #"{"preferred_date":"tomorrow"}"#, id: "call_\(number)")
            }
            return .calling(BookMeetingTool.name, arguments(slot), id: "call_\(number)")
        }
    }

    static func arguments(_ slot: JSON, email: String = "ana@example.com") -> String {
        JSON.object([
            "datetime": slot["datetime"] ?? nil, "guest_email": .string(email), "guest_name": "Ana Ruiz",
        ]).text
    }

    /// What tools have answered in this conversation so far.
    static func results(in request: ModelRequest) -> [JSON] {
        request.messages.compactMap { message in
            if case .tool(_, let text) = message { try? JSON(parsing: text) } else { nil }
        }
    }

    static func saying(_ texts: String...) -> ScriptedModel {
        ScriptedModel { _, number in
            guard number < texts.count else { throw ModelError(.unavailable, "the script has ended") }
            return ModelResponse(text: texts[number], usage: ModelUsage(promptTokens: 100, completionTokens: 10))
        }
    }
}
