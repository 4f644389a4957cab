public import FoundationEssentials
public import Platform

/// A call as Twilio's REST API describes it (`Call` resource, API 2010-04-01).
public struct TwilioCall: Sendable, Hashable {
    public var sid: String
    /// queued, initiated, ringing, in-progress, completed, busy, no-answer, failed or canceled.
    public var status: String
    public var to: String
    public var from: String
    public var direction: String?
    public var dateCreated: Date?
    /// Nil while the call waits in Twilio's queue.
    public var startTime: Date?
    public var endTime: Date?
    public var durationSeconds: Int?
    /// "human", "machine_start", "fax" or "unknown", when machine detection was asked for.
    public var answeredBy: String?
    /// As Twilio writes it: a negative decimal numeral, some time after the end of the call.
    public var price: String?
    /// ISO 4217.
    public var priceUnit: String?

    public init(sid: String, status: String, to: String, from: String) {
        self.sid = sid
        self.status = status
        self.to = to
        self.from = from
    }

    /// Nil when the JSON is not a call: it has no `sid` or no `status`.
    public init?(json: JSON) {
        guard let sid = json["sid"]?.string, !sid.isEmpty, let status = json["status"]?.string else { return nil }
        self.init(sid: sid, status: status, to: json["to"]?.string ?? "", from: json["from"]?.string ?? "")
        direction = json["direction"]?.string
        dateCreated = json["date_created"]?.string.flatMap(RFC2822.date)
        startTime = json["start_time"]?.string.flatMap(RFC2822.date)
        endTime = json["end_time"]?.string.flatMap(RFC2822.date)
        durationSeconds = json["duration"].flatMap { $0.string.flatMap { Int($0) } ?? $0.integer.map(Int.init) }
        answeredBy = json["answered_by"]?.string
        price = json["price"]?.string
        priceUnit = json["price_unit"]?.string
    }
}

/// What to dial, and where Twilio asks and tells.
public struct TwilioNewCall: Sendable, Hashable {
    /// E.164.
    public var to: String
    /// E.164, a number of the account.
    public var from: String
    /// Asked for TwiML when the call is answered.
    public var url: String
    /// Told of every change of status.
    public var statusCallback: String
    /// How long it may ring: 1 … 600 s.
    public var timeoutSeconds: Int
    /// Whether Twilio tells a person from a machine before it asks for TwiML.
    public var detectsMachines = true

    public init(to: String, from: String, url: String, statusCallback: String, timeoutSeconds: Int = 30) {
        self.to = to
        self.from = from
        self.url = url
        self.statusCallback = statusCallback
        self.timeoutSeconds = timeoutSeconds
    }
}
