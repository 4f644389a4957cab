public import Agents
public import Jobs
public import Platform
public import Postgres

/// What the handlers of calls work with. Made once, where configuration becomes objects.
public struct CallServices: Sendable {
    public var postgres: PostgresClient
    public var queue: JobQueue
    public var telephony: any Telephony
    public var calendar: any Calendar
    public var model: any LanguageModel
    /// For logs and reports.
    public var modelName: String
    /// Nil when no mail server is configured: e-mails are then not enqueued.
    public var mailer: (any Mailer)?
    /// What agents are told of invitations, whatever calendar and mailer do; nil is what these do.
    public var statedInvitation: GuestInvitation?
    public var settings: CallSettings
    /// What tools have answered to anybody in this process, for as long as they say.
    public let toolResults = ToolResultCache()
    /// What tools beside calendar and mail are made of.
    public var tools = ToolSources()
    public var metrics: MetricsRegistry
    public var logger: Logger

    public init(
        postgres: PostgresClient, queue: JobQueue, telephony: any Telephony, calendar: any Calendar,
        model: any LanguageModel, modelName: String, mailer: (any Mailer)?, settings: CallSettings,
        metrics: MetricsRegistry, logger: Logger
    ) {
        self.postgres = postgres
        self.queue = queue
        self.telephony = telephony
        self.calendar = calendar
        self.model = model
        self.modelName = modelName
        self.mailer = mailer
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
    }
}
