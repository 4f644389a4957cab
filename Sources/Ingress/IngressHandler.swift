import Calls
public import HTTP
public import Jobs
public import Platform
public import Postgres
import Providers

/// What providers and operators reach over HTTP: it verifies, de-duplicates and commits, waits for a result where the
/// other side needs one in the response, and does no work itself. See docs/ingress.md.
public struct IngressHandler: Sendable {
    /// Larger bodies are refused with 413: Twilio's are some kilobytes.
    static let maximumBodyBytes = 64 << 10
    /// What a held request may take beyond the hold: with the longest hold, 14 s, still below Twilio's limit of 15 s.
    private static let slack = Duration.milliseconds(750)

    let configuration: IngressConfiguration
    let health: HealthCheck
    let metrics: MetricsRegistry
    let requestMetrics: RequestMetrics
    let turns: TurnWebhook
    let statuses: StatusWebhook
    private let gate: TwilioGate
    private let bearerGate: BearerGate
    private let toolCalls: ToolCallEndpoint
    private let logger: Logger

    /// - Parameter queue: must be running, so that results are heard of at once.
    public init(
        configuration: IngressConfiguration, postgres: PostgresClient, queue: JobQueue, metrics: MetricsRegistry,
        logger: Logger
    ) {
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        let intake = TurnIntake(postgres: postgres, queue: queue, settings: configuration.settings)
        health = HealthCheck(postgres: postgres, limit: configuration.healthLimit)
        requestMetrics = RequestMetrics(metrics)
        turns = TurnWebhook(
            intake: intake, queue: queue, settings: configuration.settings, metrics: TurnMetrics(metrics),
            logger: logger)
        statuses = StatusWebhook(intake: intake, hold: configuration.settings.turnHold, logger: logger)
        gate = TwilioGate(publicURL: configuration.settings.publicURL, authToken: configuration.twilioAuthToken)
        bearerGate = BearerGate(configuration.apiTokens)
        toolCalls = ToolCallEndpoint(
            postgres: postgres, queue: queue, hold: configuration.settings.turnHold,
            maximumWaiting: configuration.maximumWaitingTools, logger: logger)
    }

    /// A server that answers with this ingress. It serves from its making on.
    public func server(host: String = "127.0.0.1", port: Int) throws -> HTTPServer {
        var server = HTTPServer.Configuration()
        server.host = host
        server.port = port
        server.maximumBodyBytes = Self.maximumBodyBytes
        server.requestDeadline = configuration.settings.turnHold + Self.slack
        return try HTTPServer(configuration: server, logger: logger, onDeadline: answerForLate) { await handle($0) }
    }

    /// Answers one request. Never throws: whatever goes wrong has an answer. Its work belongs to the trace of its `traceparent`.
    public func handle(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        guard let trace = request.headers["traceparent"].flatMap(TraceContext.init) else {
            return await answer(request)
        }
        return await TraceContext.$current.withValue(trace.child) { await answer(request) }
    }

    private func answer(_ request: HTTPServerRequest) async -> HTTPServerResponse {
        guard let route = Route(path: request.path) else { return Problem.notFound(request.path).response }
        guard route.methods.contains(request.method) else { return Problem.wrongMethod(route.methods).response }
        switch route {
        case .health: return await health.response()
        case .metrics: return .text(metrics.render(), contentType: "text/plain; version=0.0.4; charset=utf-8")
        case .openAPI: return .json(OpenAPI.document(publicURL: configuration.settings.publicURL))
        case .voice, .turn, .transfer, .status, .executeTool: return await measured(request, route)
        }
    }

    private func measured(_ request: HTTPServerRequest, _ route: Route) async -> HTTPServerResponse {
        let stopwatch = Stopwatch()
        let response = await response(to: request, route)
        requestMetrics.record(route, status: response.status, stopwatch.elapsed)
        return response
    }

    private func response(to request: HTTPServerRequest, _ route: Route) async -> HTTPServerResponse {
        do {
            if route == .executeTool {
                try bearerGate.check(request)
                return try await toolCalls.answer(try ToolCallRequest(request))
            }
            let webhook = try gate.verified(request)
            switch route {
            case .status: return try await statuses.answer(try StatusRequest(webhook))
            case .transfer: return .twiML(turns.answer(try TransferRequest(webhook)))
            default: return .twiML(await turns.answer(try TurnRequest(webhook, isVoice: route == .voice)))
            }
        } catch {
            logger.warning("a request was refused: \(error.detail)", metadata: ["path": request.path])
            return error.response
        }
    }

    /// In the place of a handler that did not come to an end in time: the caller is kept, other requests may come again.
    func answerForLate(_ request: HTTPServerRequest) -> HTTPServerResponse {
        let route = Route(path: request.path)
        if route == .executeTool {
            var problem = Problem.late
            problem.headers[ToolCallRequest.keyHeader] = request.headers[ToolCallRequest.keyHeader]
            return problem.response
        }
        guard route == .voice || route == .turn, let webhook = try? gate.verified(request),
            let turn = try? TurnRequest(webhook, isVoice: route == .voice)
        else { return Problem.unavailable.response }
        return .twiML(turns.broughtBack(turn))
    }
}

extension HTTPServerResponse {
    static func twiML(_ instructions: TwiML) -> HTTPServerResponse {
        .text(instructions.xml, contentType: TwiML.contentType)
    }
}
