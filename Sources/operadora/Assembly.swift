import Agents
import Calls
import HTTP
import Ingress
import Jobs
import Platform
import Postgres
import Providers

/// The one place where configuration becomes objects.
struct Assembly: Sendable {
    let configuration: Configuration
    let database: Database
    let http: HTTPClient
    let metrics = MetricsRegistry()
    let logger: Logger

    /// - Parameters:
    ///   - process: "ingress" or "worker", for the log and for `pg_stat_activity`.
    ///   - logLevel: unless LOG_LEVEL says another.
    init(
        _ configuration: Configuration, process: String, maximumConnections: Int, logLevel: Logger.Level = .info
    ) throws {
        self.configuration = configuration
        logger = configuration.log.logger("operadora.\(process)", level: logLevel)
        database = try Database(
            configuration, applicationName: "operadora \(process)", maximumConnections: maximumConnections,
            logger: logger)
        http = HTTPClient(logger: logger)
    }

    /// Runs services until a signal.
    ///
    /// - Parameter waitsForDatabase: whether they start only when the database is there and on the known schema.
    ///   Without, they start at once, and a schema that is not the known one ends them.
    func run(waitsForDatabase: Bool, _ services: @escaping @Sendable () throws -> [any Service]) async throws {
        let gate = SchemaGate(database: database, logger: logger)
        let deferred = DeferredServices(gate: waitsForDatabase ? gate : nil, services: services, logger: logger)
        let group = ServiceGroup(services: waitsForDatabase ? [deferred] : [gate, deferred], logger: logger)
        do {
            try await group.run()
            await close()
        } catch {
            await close()
            throw error
        }
    }

    func close() async {
        await http.shutDown()
        await database.client.close()
    }

    /// What claims jobs and runs them.
    func worker() throws -> [any Service] {
        let services = try callServices()
        let queue = services.queue
        var registry = JobRegistry()
        CallJobs.register(in: &registry, services: services)
        if configuration.sealingKeys.isEmpty, configuration.mail != nil {
            logger.notice(
                "no JOB_SEALING_KEYS: the jobs that send e-mails show their text to all who read the database")
        }
        if configuration.mail == nil, !configuration.calls.bookingLinks.isEmpty {
            logger.notice("no SMTP_SERVER: schedule_meeting, which mails the MEETING_LINK_…, is not offered")
        }
        let offered = try ToolInventory.rows(configuration).filter(\.isEnabled).map(\.name)
        logger.info("tools that the agent is offered", metadata: ["tools": offered.joined(separator: " ")])
        if services.invitation == .none {
            logger.notice(
                "no SMTP_SERVER, and the calendar invites nobody (CALENDAR_PROVIDER=local, or no GOOGLE_IMPERSONATE): guests "
                    + "get no invitation, no reminder and no word of changes")
        }
        var settings = Worker.Configuration()
        settings.queues = configuration.worker.queues
        settings.heartbeat = configuration.worker.heartbeat
        settings.deadAfter = configuration.worker.deadAfter
        let worker = Worker(queue, registry: registry, configuration: settings, metrics: metrics, logger: logger)
        let server = try MetricsServer.make(configuration.metrics, metrics, logger: logger)
        return [health(), queue, LimitedWorker(worker, services: services)] + (server.map { [$0] } ?? [])
    }

    /// What takes in webhooks. It answers from now on.
    func ingress() throws -> [any Service] {
        let queue = JobQueue(database.client, keys: configuration.sealingKeys, logger: logger)
        let settings = IngressConfiguration(
            settings: configuration.calls, twilioAuthToken: configuration.twilio.authToken,
            apiTokens: configuration.listen.apiTokens)
        let handler = IngressHandler(
            configuration: settings, postgres: database.client, queue: queue, metrics: metrics, logger: logger)
        let server = try handler.server(host: configuration.listen.host, port: configuration.listen.port)
        logger.info("listening", metadata: ["host": configuration.listen.host, "port": "\(server.port)"])
        return [health(), queue, server]
    }

    private func health() -> QueueHealth {
        QueueHealth(database.client, thresholds: configuration.alarms, metrics: metrics, logger: logger)
    }

    /// For calls without a telephone: the configured model, a calendar that is the database's alone, no mail, no text message,
    /// nobody to put a caller through to. The tools that ask a server are there to be answered for: `Evaluation` executes none.
    func evaluationServices() throws -> CallServices {
        var services = try callServices()
        // The agent that is graded says of invitations what the one on the telephone says.
        services.statedInvitation = services.invitation
        services.calendar = LocalCalendar()
        services.mailer = nil
        services.tools.messenger = nil
        services.tools.transferNumber = nil
        return services
    }

    func callServices() throws -> CallServices {
        let queue = JobQueue(database.client, keys: configuration.sealingKeys, logger: logger)
        var services = CallServices(
            postgres: database.client, queue: queue, telephony: TwilioTelephony(twilio), calendar: calendar(),
            model: model, modelName: configuration.model.name, mailer: try mailer(), settings: configuration.calls,
            metrics: metrics, logger: logger)
        services.tools = try tools()
        return services
    }

    private func tools() throws -> ToolSources {
        let settings = configuration.tools
        var tools = ToolSources()
        tools.file = try settings.toolsFile(logger: logger)
        tools.http = http
        tools.destinations = settings.destinations
        tools.mikrotik = Self.mikrotik(settings, http)
        tools.transferNumber = settings.transferNumber
        tools.messenger = TwilioMessenger(twilio)
        return tools
    }

    /// Nil when its tools are not enabled.
    static func mikrotik(_ configuration: ToolsConfiguration, _ http: HTTPClient) -> MikroTikClient? {
        configuration.mikrotikURL.map { MikroTikClient(.init(baseURL: $0), http: http) }
    }

    var twilio: TwilioClient {
        TwilioClient(
            accountSID: configuration.twilio.accountSID, authToken: configuration.twilio.authToken,
            baseURL: configuration.twilio.baseURL, http: http)
    }

    /// The configured model, with the one that is asked when it fails.
    var model: any LanguageModel {
        let settings = configuration.model
        let first: any LanguageModel =
            switch settings.kind {
            case .openai: openAI(settings.name, settings.apiKey, settings.baseURL)
            case .baml: BAMLModel(Self.baml(settings), client: http)
            }
        guard let other = settings.fallback else { return first }
        return FallbackModel(first, openAI(other.name, other.apiKey, other.baseURL), logger: logger)
    }

    private func openAI(_ name: String, _ key: Secret?, _ baseURL: String) -> OpenAIModel {
        var settings = OpenAIModel.Configuration(model: name, apiKey: key?.reveal())
        settings.baseURL = baseURL
        return OpenAIModel(settings, client: http)
    }

    static func baml(_ configuration: ModelConfiguration) -> BAMLModel.Configuration {
        var settings = BAMLModel.Configuration()
        settings.baseURL = configuration.bamlURL
        settings.password = configuration.bamlPassword?.reveal()
        settings.functions = ["call_outcome": "ConcludeCall"]
        return settings
    }

    private func calendar() -> any Calendar {
        Self.googleCalendar(configuration.calendar, http).map { GoogleCalendar($0) } ?? LocalCalendar()
    }

    /// Nil when the calendar is not Google's.
    static func googleCalendar(_ configuration: CalendarConfiguration, _ http: HTTPClient) -> GoogleCalendarClient? {
        guard let account = configuration.account else { return nil }
        var settings = GoogleCalendarClient.Configuration(calendarID: configuration.calendarID)
        settings.baseURL = configuration.baseURL
        settings.impersonate = configuration.impersonate
        return GoogleCalendarClient(settings, account: account, client: http)
    }

    /// Nil when no mail server is configured: jobs that would send mail fail and say so.
    private func mailer() throws -> (any Mailer)? {
        try configuration.mail.map { mail in
            SMTPMailer(MailSender(server: mail.server, client: http), from: try MailAddress(mail.sender))
        }
    }
}
