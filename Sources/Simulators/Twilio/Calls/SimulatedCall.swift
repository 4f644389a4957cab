public import FoundationEssentials
import Platform

/// A call as the simulated Twilio knows it, with everything that was exchanged about it.
public struct SimulatedCall: Sendable {
    public enum Status: String, Sendable, Hashable {
        case queued, initiated, ringing
        case inProgress = "in-progress"
        case completed, busy
        case noAnswer = "no-answer"
        case failed, canceled

        public var isFinal: Bool {
            switch self {
            case .queued, .initiated, .ringing, .inProgress: false
            case .completed, .busy, .noAnswer, .failed, .canceled: true
            }
        }
    }

    public var sid: String
    public var to: String
    public var from: String
    /// "outbound-api" or "inbound".
    public var direction: String
    public var callee: Callee
    public var status: Status = .queued
    public var answeredBy: String?
    public var created: Date
    public var started: Date?
    public var ended: Date?
    /// In the call's own time, which runs faster than ours.
    public var durationSeconds: Int?
    /// What was said, in order.
    public var transcript: [Utterance] = []
    /// Whom the callee was put through to, or was to be.
    public var transfers: [Transfer] = []
    /// Every webhook of this call, the latest 500.
    public var webhooks: [WebhookRecord] = []
    /// What the callee had to hear Twilio's own error message for: never, if all is well.
    public var applicationErrors: [ApplicationError] = []
    /// Duplicated webhooks that got two different answers: never, if all is well.
    public var mismatches: [AnswerMismatch] = []

    public struct Transfer: Sendable, Hashable {
        public var number: String
        /// Twilio's `DialCallStatus`.
        public var status: String
    }

    public struct Utterance: Sendable, Hashable {
        /// False for the callee.
        public var isAgents: Bool
        public var text: String
        public var language: String?
    }

    /// An error of Twilio's debugger: 11200 no good answer, 11205 no connection, 12100 not XML, 12200 not TwiML,
    /// 12300 wrong content type, 13520 nothing to say, 20000 endless redirects.
    public struct ApplicationError: Sendable, Hashable {
        public var code: Int
        public var message: String
        public var url: String
    }

    public struct AnswerMismatch: Sendable, Hashable {
        public var url: String
        public var first: String
        public var second: String
    }

    /// In Twilio's shape.
    func json(account: String) -> JSON {
        let uri = "/2010-04-01/Accounts/\(account)/Calls/\(sid)"
        func date(_ date: Date?) -> JSON { date.map { .string(Timestamp.rfc2822($0)) } ?? .null }
        return [
            "sid": .string(sid), "account_sid": .string(account), "to": .string(to), "to_formatted": .string(to),
            "from": .string(from), "from_formatted": .string(from), "status": .string(status.rawValue),
            "direction": .string(direction), "answered_by": answeredBy.map { .string($0) } ?? .null,
            "date_created": date(created), "date_updated": date(ended ?? started ?? created),
            "start_time": date(started), "end_time": date(ended),
            "duration": durationSeconds.map { .string(String($0)) } ?? .null, "price": price ?? .null,
            "price_unit": "USD", "api_version": "2010-04-01", "parent_call_sid": .null, "phone_number_sid": .null,
            "forwarded_from": .null, "group_sid": .null, "caller_name": .null, "queue_time": "0", "trunk_sid": .null,
            "annotation": .null, "uri": .string(uri + ".json"),
            "subresource_uris": ["notifications": .string(uri + "/Notifications.json")],
        ]
    }

    /// 1.4 cents for each minute begun; nothing for a call that was not answered.
    private var price: JSON? {
        guard status.isFinal, let durationSeconds else { return nil }
        let tenthsOfCents = (durationSeconds + 59) / 60 * 14
        let digits = String(tenthsOfCents % 1_000 + 1_000).dropFirst()
        return .string("-\(tenthsOfCents / 1_000).\(digits)00")
    }
}

/// One request that the simulated Twilio made.
public struct WebhookRecord: Sendable {
    public enum Kind: String, Sendable, Hashable {
        /// The first request of a call.
        case voice
        /// What the caller said, or a redirect.
        case turn
        case status
    }

    public var kind: Kind
    public var url: String
    public var parameters: [String: String]
    /// 1 for the first time.
    public var attempt: Int
    public var isDuplicate: Bool
    /// Nil when there was no answer.
    public var status: Int?
    /// Why there was none.
    public var failure: String?
    public var roundTrip: Duration
    /// TwiML, or whatever came.
    public var answer: String?
}
