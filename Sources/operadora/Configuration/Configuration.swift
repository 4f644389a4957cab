import Calls
import Jobs
import Platform
import Postgres

/// Everything that the environment says, validated once. See docs/operations.md for each variable.
struct Configuration: Sendable {
    /// What a command cannot do without; a variable that is set is checked whatever the command.
    struct Needs: OptionSet {
        let rawValue: Int
        static let database = Needs(rawValue: 1)
        /// The address that providers call, and what their signatures are checked with.
        static let webhooks = Needs(rawValue: 2)
        /// Telephone, language model and calendar.
        static let providers = Needs(rawValue: 4)
        /// The language model alone.
        static let model = Needs(rawValue: 8)
        /// The calendar alone.
        static let calendar = Needs(rawValue: 16)
    }

    var log: LogConfiguration
    /// A libpq connection string; it may hold a password.
    var databaseURL: Secret
    /// What is between us and PostgreSQL.
    var pooler: DatabasePooler
    /// Nil: found beside the executable or the working directory.
    var migrationsDirectory: String?
    var listen: ListenConfiguration
    var worker: WorkerConfiguration
    /// What jobs are sealed with; may be empty.
    var sealingKeys: Keyring
    var metrics: MetricsConfiguration
    var alarms: AlarmThresholds
    var calls: CallSettings
    var twilio: TwilioConfiguration
    var model: ModelConfiguration
    var calendar: CalendarConfiguration
    /// Nil when no mail server is set.
    var mail: MailConfiguration?
    var tools: ToolsConfiguration

    /// Reads this process's environment and `.env`. Throws `ConfigurationError` with everything that is wrong.
    static func load(needs: Needs) throws -> Configuration {
        try Configuration(Environment.read(), needs: needs)
    }

    init(_ environment: Environment, needs: Needs) throws {
        var reader = EnvironmentReader(environment)
        self.init(&reader, needs: needs)
        try reader.finish()
    }

    /// Reads as much as can be read; what is wrong is in the reader.
    init(_ reader: inout EnvironmentReader, needs: Needs) {
        log = LogConfiguration(&reader)
        let connectionString = "a libpq connection string, such as postgresql://user@host/operadora"
        databaseURL =
            needs.contains(.database)
            ? reader.requiredSecret("DATABASE_URL", connectionString)
            : reader.secret("DATABASE_URL") ?? Secret("")
        // Not shown: where its password is, only one that can be read tells.
        if let text = reader.string("DATABASE_URL"), !PostgresConfiguration.isConnectionString(text) {
            reader.report("DATABASE_URL", "cannot be read: it must be \(connectionString)")
        }
        pooler = reader.choice("DATABASE_POOLER", default: .none)
        migrationsDirectory = reader.string("MIGRATIONS_DIR")
        listen = ListenConfiguration(&reader)
        worker = WorkerConfiguration(&reader)
        sealingKeys = Keyring(&reader)
        metrics = MetricsConfiguration(&reader)
        alarms = AlarmThresholds(&reader)
        twilio = TwilioConfiguration(&reader, needs)
        model = ModelConfiguration(&reader, needs)
        calendar = CalendarConfiguration(&reader, needs)
        mail = MailConfiguration(&reader)
        tools = ToolsConfiguration(&reader, needs)
        calls = CallSettings(&reader, needs, twilio, calendar)
        calls.senderEmail = mail?.sender
        // A question about all routers may take as long as an ordinary turn: the model needs time besides.
        if tools.mikrotikURL != nil { calls.turnBudget = .seconds(40) }
    }
}

enum DatabasePooler: String, Sendable, CaseIterable {
    /// None, or one that keeps a server's connection for each of ours.
    case none
    /// One that lends a server's connection for the length of a transaction, as PgBouncer with `pool_mode=transaction`.
    case transaction
}

struct LogConfiguration: Sendable {
    /// Nil when LOG_LEVEL is not set: each command has its own default.
    var level: Logger.Level?
    var format: Logger.Format

    init(_ reader: inout EnvironmentReader) {
        let levels = Logger.Level.allCases.map(\.rawValue).alternatives
        level = reader.parsed("LOG_LEVEL", default: nil, expected: levels) { Logger.Level(rawValue: $0.lowercased()) }
        let usual: Logger.Format = Console.standardErrorIsTerminal ? .text : .json
        format = reader.parsed("LOG_FORMAT", default: usual, expected: "text or json") {
            Logger.Format(rawValue: $0.lowercased())
        }
    }

    func logger(_ label: String, level usual: Logger.Level = .info) -> Logger {
        Logger(label: label, level: level ?? usual, format: format)
    }
}

struct ListenConfiguration: Sendable {
    var host: String
    var port: Int
    var apiTokens: [Secret]

    init(_ reader: inout EnvironmentReader) {
        host = reader.string("INGRESS_HOST", default: "127.0.0.1")
        port = reader.integer("INGRESS_PORT", default: 8080, in: 0...65_535)
        let tokens = reader.string("API_TOKENS", default: "").split(separator: ",").map(\.trimmed)
        apiTokens = tokens.filter { !$0.isEmpty }.map { Secret(String($0)) }
        if tokens.contains(where: { (1..<16).contains($0.utf8.count) }) {
            reader.report("API_TOKENS", "has a token that is too short: each must have 16 characters or more")
        }
    }
}

/// Where a worker shows what it counts; an ingress does so where it listens.
struct MetricsConfiguration: Sendable {
    var host: String
    /// Nil: nowhere.
    var port: Int?

    init(_ reader: inout EnvironmentReader) {
        host = reader.string("METRICS_HOST", default: "127.0.0.1")
        if reader.string("METRICS_PORT") != nil {
            port = reader.integer("METRICS_PORT", default: 9400, in: 0...65_535)
        }
    }
}

struct WorkerConfiguration: Sendable {
    /// Slots by queue.
    var queues: [String: Int]
    var heartbeat: Duration
    var deadAfter: Duration

    init(_ reader: inout EnvironmentReader) {
        let slots = reader.integer("WORKER_CONCURRENCY", default: 16, in: 1...1_000)
        // Turns wait for a language model most of their time: more of them fit.
        let usual = ["turns": min(4 * slots, 1_000), "tools": slots, "calls": slots, "default": slots]
        queues = reader.parsed(
            "WORKER_QUEUES", default: usual,
            expected: "queues with their slots, such as turns:64,tools:16,calls:16,default:16"
        ) { Self.queues($0, slots) }
        heartbeat = reader.seconds("WORKER_HEARTBEAT_SECONDS", default: 5, in: 0.1...60)
        deadAfter = reader.seconds("WORKER_DEAD_AFTER_SECONDS", default: 15, in: 0.3...600)
        if deadAfter < heartbeat * 2 {
            reader.report(
                "WORKER_DEAD_AFTER_SECONDS",
                "is less than two heartbeats: it must be at least twice WORKER_HEARTBEAT_SECONDS")
        }
    }

    /// `name` or `name:slots`, separated by commas.
    private static func queues(_ text: String, _ usualSlots: Int) -> [String: Int]? {
        var queues: [String: Int] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let halves = part.split(separator: ":", omittingEmptySubsequences: false).map(\.trimmed)
            let slots = halves.count == 2 ? Int(halves[1]) : usualSlots
            guard halves.count <= 2, !halves[0].isEmpty, let slots, (1...1_000).contains(slots),
                queues.updateValue(slots, forKey: String(halves[0])) == nil
            else { return nil }
        }
        return queues
    }
}

extension Keyring {
    init(_ reader: inout EnvironmentReader) {
        self.init()
        guard let text = reader.secret("JOB_SEALING_KEYS") else { return }
        do {
            self = try Keyring(text)
        } catch {
            reader.report("JOB_SEALING_KEYS", "\(error)")
        }
    }
}

extension CallSettings {
    init(
        _ reader: inout EnvironmentReader, _ needs: Configuration.Needs, _ twilio: TwilioConfiguration,
        _ calendar: CalendarConfiguration
    ) {
        self.init()
        provider = twilio.provider.rawValue
        fromNumber = twilio.fromNumber
        calendarID = calendar.calendarID
        if let url = reader.url("PUBLIC_URL", default: nil) {
            publicURL = url
        } else if !needs.isDisjoint(with: [.webhooks, .providers]) {
            reader.report("PUBLIC_URL", "is not set: set it to the address that providers reach the ingress by")
        }
        if reader.string("PROVIDER_MAX_CONCURRENT_CALLS") != nil {
            providerConcurrentCalls = reader.integer("PROVIDER_MAX_CONCURRENT_CALLS", default: 100, in: 1...100_000)
        }
        if reader.string("PROVIDER_CALLS_PER_SECOND") != nil {
            providerCallsPerSecond = reader.parsed(
                "PROVIDER_CALLS_PER_SECOND", default: 1, expected: "a number above 0, at most 10000, such as 1"
            ) { text in Double(text).flatMap { $0 > 0 && $0 <= 10_000 ? $0 : nil } }
        }
        businessTimezone = reader.parsed(
            "BUSINESS_TIMEZONE", default: businessTimezone, expected: "a time zone, such as America/Mexico_City"
        ) { Zone(identifier: $0)?.identifier }
        businessHours = reader.parsed(
            "BUSINESS_HOURS", default: businessHours, expected: "hours of the week, such as mon-fri 09:00-18:00"
        ) { try? WeeklyHours($0) }
        for language in ["es", "en", "pt"] {
            bookingLinks[language] = reader.parsed(
                "MEETING_LINK_\(language.uppercased())", default: nil,
                expected: "the http or https URL of a booking page, such as https://meetings.example.com/demo"
            ) { text -> String?? in text.isWebAddress ? .some(text) : .none }
        }
        promptTokenPrice = Self.tokenPrice("OPENAI_PROMPT_PRICE", &reader)
        completionTokenPrice = Self.tokenPrice("OPENAI_COMPLETION_PRICE", &reader)
        turnHold = reader.seconds("TURN_HOLD_SECONDS", default: 10, in: 0.1...14)
        reconcileAfter = reader.seconds("RECONCILE_AFTER_SECONDS", default: 60, in: 1...3_600)
    }

    private static func tokenPrice(_ name: String, _ reader: inout EnvironmentReader) -> Double {
        reader.parsed(
            name, default: 0, expected: "US dollars for a million tokens, from 0 to 10000, such as 0.40"
        ) { text in Double(text).flatMap { (0...10_000).contains($0) ? $0 : nil } }
    }
}

extension String {
    /// An absolute http or https URL, percent-encoded, without a login.
    fileprivate var isWebAddress: Bool {
        guard let scheme = ["https://", "http://"].first(where: { lowercased().hasPrefix($0) }) else { return false }
        let host = dropFirst(scheme.count).prefix { !"/?#".contains($0) }
        return !host.isEmpty && !host.contains("@") && utf8.count <= 2_000
            && utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"<>\\^`{|}".utf8.contains($0) }
    }
}
