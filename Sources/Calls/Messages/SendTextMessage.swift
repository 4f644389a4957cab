public import Jobs

/// One text message. Sent again only when it certainly was not sent.
public struct SendTextMessage: Job, Hashable {
    public static let kind = "send_text_message"
    /// It carries a person's number and what they are told.
    public static let sealing = Sealing.whenKeyed
    /// What it is for, e.g. "link:17:…": one waiting job for each.
    public var purpose: String
    /// E.164.
    public var to: String
    public var text: String

    public init(purpose: String, to: String, text: String) {
        self.purpose = purpose
        self.to = to
        self.text = text
    }

    /// The queue's options for this message.
    public var options: JobOptions {
        var options = Self.defaults
        options.uniqueKey = "text:\(purpose)"
        return options
    }
}

/// Hands text messages to the provider.
struct SendTextMessageHandler: Sendable {
    private let services: CallServices
    init(_ services: CallServices) { self.services = services }

    func handle(_ job: SendTextMessage, context: JobContext) async throws -> JobOutcome {
        guard let messenger = services.tools.messenger else {
            return .failed(reason: "no provider of text messages is configured")
        }
        do {
            try await messenger.send(job.text, to: job.to, from: services.settings.fromNumber)
            return .completed()
        } catch TextMessageError.over(let message) {
            return .failed(reason: message)
        }
    }
}
