import Agents
import Calls
import HTTP
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

    /// - Parameter process: "ingress" or "worker", for the log and for `pg_stat_activity`.
    init(_ configuration: Configuration, process: String, maximumConnections: Int) throws {
        self.configuration = configuration
        logger = configuration.log.logger("operadora.\(process)")
        database = try Database(
            configuration, applicationName: "operadora \(process)", maximumConnections: maximumConnections,
            logger: logger)
        http = HTTPClient(logger: logger)
    }

    /// Runs services until a signal, from the moment that the database is there and on the known schema.
    func run(_ services: @escaping @Sendable () throws -> [any Service]) async throws {
        let start = StartOnSchema(database: database, services: services, logger: logger)
        let group = ServiceGroup(services: [start], logger: logger)
        do {
            try await group.run()
            await close()
        } catch {
            await close()
            throw error
        }
    }

    private func close() async {
        await http.shutDown()
        await database.client.close()
    }

    /// What claims jobs and runs them.
    func worker() throws -> [any Service] {
        let queue = JobQueue(database.client, logger: logger)
        var registry = JobRegistry()
        CallJobs.register(in: &registry, services: try callServices(queue))
        var settings = Worker.Configuration()
        settings.queues = configuration.worker.queues
        settings.heartbeat = configuration.worker.heartbeat
        settings.deadAfter = configuration.worker.deadAfter
        let worker = Worker(queue, registry: registry, configuration: settings, metrics: metrics, logger: logger)
        return [queue, worker]
    }

    private func callServices(_ queue: JobQueue) throws -> CallServices {
        CallServices(
            postgres: database.client, queue: queue, telephony: TwilioTelephony(twilio), calendar: try calendar(),
            model: model, modelName: configuration.model.name, mailer: mailer, settings: configuration.calls,
            metrics: metrics, logger: logger)
    }

    var twilio: TwilioClient {
        TwilioClient(
            accountSID: configuration.twilio.accountSID, authToken: configuration.twilio.authToken,
            baseURL: configuration.twilio.baseURL, http: http)
    }

    var model: OpenAIModel {
        var settings = OpenAIModel.Configuration(
            model: configuration.model.name, apiKey: configuration.model.apiKey?.reveal())
        settings.baseURL = configuration.model.baseURL
        return OpenAIModel(settings, client: http)
    }

    /// Throws `ConfigurationError` when the service account's file cannot be used.
    func calendar() throws -> any Calendar {
        switch configuration.calendar.provider {
        case .local: LocalCalendar()
        case .google: LocalCalendar()
        }
    }

    private var mailer: (any Mailer)? { nil }
}

/// Waits for the database, then runs the services. A database that is down when a process starts is no reason to end:
/// it may be the one that starts later.
private struct StartOnSchema: Service {
    let database: Database
    let services: @Sendable () throws -> [any Service]
    let logger: Logger

    func run() async throws {
        // What is wrong with the configuration is said before the wait.
        let services = try services()
        guard try await waitForSchema() else { return }
        logger.info("started")
        try await ServiceGroup(services: services, handlesSignals: false, logger: logger).run()
    }

    /// False when a graceful stop came first. Throws when the schema is not the one that this executable knows.
    private func waitForSchema() async throws -> Bool {
        let wait = Task { try await waitUntilReached() }
        return try await withTaskCancellationHandler {
            do {
                try await withGracefulStopHandler {
                    try await wait.value
                } onGracefulStop: {
                    wait.cancel()
                }
                return true
            } catch is CancellationError {
                try Task.checkCancellation()
                return false
            }
        } onCancel: {
            wait.cancel()
        }
    }

    private func waitUntilReached() async throws {
        while true {
            do {
                return try await database.requireCurrentSchema()
            } catch let error as PostgresError where error.isTransient && error.code != .cancelled {
                logger.warning("waiting for the database", metadata: ["error": "\(error)"])
            } catch let error as PostgresError where error.code == .cancelled {
                throw CancellationError()
            }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
