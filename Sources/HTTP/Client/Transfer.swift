import Synchronization

/// What libcurl is to do, made and checked on the caller's side.
struct TransferPlan: Sendable {
    enum Purpose: Sendable {
        case http(HTTPClientRequest)
        /// Without a message it ends after the login.
        case mail(MailEnvelope?, MailServer)
    }
    let purpose: Purpose
    let url: String
    /// Names the request in errors: method, scheme, host and path, never the query.
    let label: String
    /// Scheme, host and port: what limits apply to.
    let host: String
    let timeout: Duration
    let connectTimeout: Duration
    let maximumResponseBytes: Int
    /// PEM file of the authorities to trust instead of the system's.
    let certificateAuthorityFile: String?
    let userAgent: String
    /// Asked about each address; nil lets all through.
    var destinations: DestinationPolicy?
}

/// What a receiver did with bytes of a body.
enum ReceivedBytes {
    case taken
    /// Full: these bytes come again after `CurlInbox.unpause`.
    case pause
}

/// The caller's end of a transfer. Every method is called on libcurl's thread: `receive` as often as it takes, then
/// `end` exactly once, and nothing after it. None may wait.
protocol TransferReceiver: Sendable {
    func receive(status: Int, headers: HTTPHeaders)
    func receive(_ bytes: UnsafeRawBufferPointer) -> ReceivedBytes
    func end(_ failure: HTTPError?)
}

/// A transfer as both sides know it.
final class Transfer: Sendable {
    let plan: TransferPlan
    let receiver: any TransferReceiver
    /// By when it must have ended, its wait for a turn included.
    let deadline: ContinuousClock.Instant
    private let cancelled = Atomic(false)

    init(plan: TransferPlan, receiver: any TransferReceiver) {
        self.plan = plan
        self.receiver = receiver
        deadline = .now + plan.timeout
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func markCancelled() { cancelled.store(true, ordering: .releasing) }
}
