import Glibc
public import Platform

/// All curl handles on one thread of its own (`curl_multi`, HTTP/2, keep-alive). No redirects are followed.
///
/// May be used from any task, by many at once. Proxies are taken from `http_proxy`, `https_proxy` and `no_proxy`, as
/// libcurl does. A request that is not idempotent is never sent twice by the client itself.
public final class HTTPClient: Sendable {
    public struct Configuration: Sendable {
        /// Others to the same host wait for their turn. Over HTTP/1.1 each has a connection of its own.
        public var maximumConcurrentRequestsPerHost = 100
        /// Connections kept alive while no request uses them.
        public var maximumIdleConnections = 64
        /// Those that wait included. Above it a request fails at once with `.tooManyRequests`.
        public var maximumConcurrentRequests = 1_000
        public var userAgent = "operadora/1"
        /// PEM file of the authorities to trust instead of the system's; by default `SSL_CERT_FILE`.
        public var certificateAuthorityFile = getenv("SSL_CERT_FILE").map { String(cString: $0) }
        public init() {}
    }

    private let configuration: Configuration
    private let inbox: CurlInbox?
    /// libcurl waits for the reply when it says QUIT to a mail server: that must not hold up other requests.
    private let mailInbox: LazyInbox

    public init(configuration: Configuration = Configuration(), logger: Logger) {
        self.configuration = configuration
        inbox = CurlThread.start(configuration, logger: logger)
        mailInbox = LazyInbox { CurlThread.start(configuration, logger: logger) }
        if inbox == nil { logger.critical("cannot start the HTTP client: every request will fail") }
    }

    deinit {
        inbox?.shutDown()
        mailInbox.shutDown()?.shutDown()
    }

    /// Throws `HTTPError`. Cancelling the task ends the transfer. In a trace (`TraceContext.current`) the request carries it on.
    public func send(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        try await wait(for: plan(request), inbox)
    }

    /// Sends a request whose answer is `text/event-stream`. A status other than 2xx throws `HTTPStatusError` with the
    /// body, a lost connection `HTTPError`.
    ///
    /// The request is sent when the first event is asked for. Events that nobody takes stay with the server: at most
    /// 256 KiB are held here. Dropping the stream, or cancelling the task that reads it, ends the transfer.
    public func events(_ request: HTTPClientRequest) -> AsyncThrowingStream<ServerSentEvent, any Error> {
        let source = EventSource(plan: Result { try plan(request) }, inbox: inbox, client: self)
        return AsyncThrowingStream { try await source.next() }
    }

    /// Sends one RFC 5322 message by SMTP. Throws `HTTPError`: `.mail` with the server's reply code for a refusal, by any
    /// recipient, `.mailLogin` for our login; then nobody got it. With `requestWasSent` it may have been delivered although no answer came.
    public func sendMail(_ envelope: MailEnvelope, through server: MailServer) async throws {
        _ = try await wait(for: plan(envelope, server), mailInbox.get())
    }

    /// Connects to a mail server and logs in, but sends nothing. Throws as `sendMail` does.
    public func checkMail(through server: MailServer) async throws {
        _ = try await wait(for: plan(nil, server), mailInbox.get())
    }

    /// Fails what is under way with `.shutDown` and ends the thread.
    public func shutDown() async {
        let inboxes = [inbox, mailInbox.shutDown()].compactMap { $0 }
        for inbox in inboxes { inbox.shutDown() }
        for inbox in inboxes { await inbox.waitForEnd() }
    }

    private func wait(for plan: TransferPlan, _ inbox: CurlInbox?) async throws -> HTTPClientResponse {
        guard let inbox else { throw HTTPError.shutDown(plan) }
        let pending = PendingResponse()
        let transfer = Transfer(plan: plan, receiver: pending)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                pending.wait(continuation)
                inbox.start(transfer)
            }
        } onCancel: {
            inbox.cancel(transfer)
        }
    }

    private func plan(_ request: HTTPClientRequest) throws -> TransferPlan {
        var request = request
        if let trace = TraceContext.current, request.headers["traceparent"] == nil {
            request.headers["traceparent"] = trace.child.traceparent
        }
        let label = try request.checkedLabel()
        return try TransferPlan(
            purpose: .http(request), url: request.url, label: label, host: request.origin, timeout: request.timeout,
            connectTimeout: request.connectTimeout, maximumResponseBytes: request.maximumResponseBytes,
            certificateAuthorityFile: configuration.certificateAuthorityFile, userAgent: configuration.userAgent,
            destinations: request.guardingPolicy(label))
    }

    private func plan(_ envelope: MailEnvelope?, _ server: MailServer) throws -> TransferPlan {
        try server.check()
        try envelope?.check(server)
        return TransferPlan(
            purpose: .mail(envelope, server), url: server.url, label: "mail through \(server.host):\(server.port)",
            host: server.url,
            timeout: server.timeout, connectTimeout: server.connectTimeout, maximumResponseBytes: 0,
            certificateAuthorityFile: server.certificateAuthorityFile ?? configuration.certificateAuthorityFile,
            userAgent: configuration.userAgent)
    }
}
