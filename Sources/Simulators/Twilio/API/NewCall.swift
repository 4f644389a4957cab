import HTTP

/// A webhook that Twilio is told of: where, and how it is asked.
struct Webhook: Sendable, Hashable {
    var url: String
    var method = "POST"
}

/// The form of `POST /2010-04-01/Accounts/{Sid}/Calls.json`, with Twilio's checks of it.
struct NewCall: Sendable {
    var to: String
    var from: String
    var voice: Webhook
    var fallback: Webhook?
    var status: Webhook?
    /// initiated, ringing, answered, completed.
    var statusEvents: Set<String>
    /// Nil when machines are not to be told from people.
    var machineDetection: String?
    /// How long it rings, in seconds.
    var timeoutSeconds: Int

    private static let parameters: Set<String> = [
        "To", "From", "Url", "Method", "FallbackUrl", "FallbackMethod", "StatusCallback", "StatusCallbackMethod",
        "StatusCallbackEvent", "MachineDetection", "MachineDetectionTimeout", "MachineDetectionSpeechThreshold",
        "MachineDetectionSpeechEndThreshold", "MachineDetectionSilenceTimeout", "AsyncAmd", "Timeout", "TimeLimit",
        "SendDigits", "Record", "CallerId", "Trim", "CallReason",
    ]

    /// - Parameter numbers: the account's own, of which a call must come from one.
    init(_ form: FormFields, numbers: Set<String>) throws(TwilioAPIError) {
        if let unknown = form.fields.first(where: { !Self.parameters.contains($0.name) }) {
            throw .invalid(unknown.name, "is unknown, or not simulated")
        }
        to = try Self.called(form)
        from = try Self.calling(form, numbers)
        guard let url = form["Url"], !url.isEmpty else { throw TwilioAPIError(21205, "Url parameter is required.") }
        guard WebhookURL.isAbsolute(url) else { throw TwilioAPIError(21205, "Url is not a valid URL: \(url)") }
        voice = Webhook(url: url, method: try Self.method(form, "Method"))
        fallback = try Self.webhook(form, "FallbackUrl", "FallbackMethod", code: 21205)
        status = try Self.webhook(form, "StatusCallback", "StatusCallbackMethod", code: 21609)
        statusEvents = try Self.events(form)
        machineDetection = form["MachineDetection"]
        if let detection = machineDetection, !["Enable", "DetectMessageEnd"].contains(detection) {
            throw .invalid("MachineDetection", detection)
        }
        timeoutSeconds = try Self.seconds(form["Timeout"])
    }

    /// A call that somebody makes to one of our numbers.
    init(inboundTo to: String, from: String, voice: Webhook, status: Webhook?) {
        self.to = to
        self.from = from
        self.voice = voice
        self.status = status
        statusEvents = ["completed"]
        timeoutSeconds = 60
    }

    /// "+" and 7 to 15 digits, the first no zero.
    static func isE164(_ number: String) -> Bool { number.wholeMatch(of: /\+[1-9]\d{6,14}/) != nil }

    private static func called(_ form: FormFields) throws(TwilioAPIError) -> String {
        guard let to = form["To"], !to.isEmpty else { throw TwilioAPIError(21201, "No 'To' number is specified") }
        // The first is what Twilio's own test credentials refuse.
        guard isE164(to), to != "+15005550001" else {
            throw TwilioAPIError(21211, "The phone number you are attempting to call, \(to), is not valid.")
        }
        return to
    }

    private static func calling(_ form: FormFields, _ numbers: Set<String>) throws(TwilioAPIError) -> String {
        guard let from = form["From"], !from.isEmpty else {
            throw TwilioAPIError(21213, "No 'From' number is specified")
        }
        guard isE164(from) else {
            throw TwilioAPIError(21212, "The 'From' number \(from) is not a valid phone number.")
        }
        guard numbers.contains(from) else {
            throw TwilioAPIError(
                21210, "The source phone number provided, \(from), is not yet verified for your account.")
        }
        return from
    }

    private static func webhook(
        _ form: FormFields, _ name: String, _ method: String, code: Int
    ) throws(TwilioAPIError) -> Webhook? {
        guard let url = form[name], !url.isEmpty else { return nil }
        guard WebhookURL.isAbsolute(url) else { throw TwilioAPIError(code, "\(name) is not a valid URL: \(url)") }
        return Webhook(url: url, method: try self.method(form, method))
    }

    private static func method(_ form: FormFields, _ name: String) throws(TwilioAPIError) -> String {
        guard let method = form[name] else { return "POST" }
        guard ["GET", "POST"].contains(method) else { throw .invalid(name, method) }
        return method
    }

    /// Without any, only the end is told.
    private static func events(_ form: FormFields) throws(TwilioAPIError) -> Set<String> {
        let events = form.fields.filter { $0.name == "StatusCallbackEvent" }.map(\.value)
        if let wrong = events.first(where: { !["initiated", "ringing", "answered", "completed"].contains($0) }) {
            throw TwilioAPIError(21626, "Invalid StatusCallbackEvents: \(wrong)")
        }
        return events.isEmpty ? ["completed"] : Set(events)
    }

    private static func seconds(_ text: String?) throws(TwilioAPIError) -> Int {
        guard let text else { return 60 }
        guard let seconds = Int(text), (1...600).contains(seconds) else { throw .invalid("Timeout", text) }
        return seconds
    }
}
