import FoundationEssentials
import HTTP
import Platform

/// Carries one call from the queue to its end as Twilio would: dials, tells of each change, follows TwiML, and lets the
/// callee hear and speak.
struct CallDriver {
    struct Settings: Sendable {
        /// How much faster than people this goes; infinity takes no time for speech and pauses at all.
        var speed: Double
        /// How long a callee waits for an answer before hanging up in the middle of it; real time.
        var hangUpDelay: Duration
        var maximumRedirects: Int
        /// Who stands behind a number that a document dials.
        var callee: @Sendable (String) -> Callee
    }

    /// Twilio ends a call after four hours; nobody here needs so many documents.
    private static let maximumDocuments = 500

    private let sid: String
    private let account: String
    private let call: NewCall
    private let callee: Callee
    private let settings: Settings
    private let sender: WebhookSender
    private let ledger: CallLedger

    private var callbacks: StatusCallbacks
    private var session: TwiMLSession
    private var mind: CalleeMind
    /// Of the document that is being performed.
    private var url: String
    private var documents = 0
    /// Since the answer, in the call's own time.
    private var talkSeconds = 0.0
    /// A webhook that nobody waits for any more.
    private var abandoned: Task<Void, Never>?

    init(
        _ call: NewCall, sid: String, account: String, callee: Callee, settings: Settings, sender: WebhookSender
    ) {
        self.call = call
        self.sid = sid
        self.account = account
        self.callee = callee
        self.settings = settings
        self.sender = sender
        ledger = sender.ledger
        callbacks = StatusCallbacks(call, sid: sid, sender: sender)
        session = TwiMLSession(maximumRedirects: settings.maximumRedirects)
        // The person is at the other end: the number dialled, or the one that dials us.
        mind = CalleeMind(callee, number: ledger[sid]?.direction == "inbound" ? call.from : call.to)
        url = call.voice.url
    }

    /// Dials when the gate lets it, and returns when everything about the call is over. Cancellation hangs up.
    mutating func dial(through gate: RateGate) async {
        await end { driver async throws in
            try await gate.wait()
            return try await driver.ring()
        }
    }

    /// The same for a call that somebody makes to us.
    mutating func receive() async {
        await end { driver async throws in
            driver.advance(to: .ringing, event: "ringing")
            return try await driver.talk()
        }
    }

    // MARK: before the answer

    private mutating func ring() async throws -> SimulatedCall.Status {
        advance(to: .initiated, event: "initiated")
        try await pass(1)
        switch callee.kind {
        case .unreachable: return .failed
        case .busy: return .busy
        default: advance(to: .ringing, event: "ringing")
        }
        guard callee.kind.answers else {
            try await pass(Double(call.timeoutSeconds))
            return .noAnswer
        }
        try await pass(4)
        return try await talk()
    }

    /// Twilio listens for a few seconds who has answered before it asks what to say.
    private mutating func talk() async throws -> SimulatedCall.Status {
        let answeredBy = call.machineDetection.map { detection in
            guard callee.kind == .voicemail else { return "human" }
            return detection == "Enable" ? "machine_start" : "machine_end_beep"
        }
        ledger.update(sid) {
            $0.started = .now
            $0.answeredBy = answeredBy
        }
        advance(to: .inProgress, event: "answered")
        try await converse()
        return .completed
    }

    // MARK: the conversation

    private mutating func converse() async throws {
        var goesOn = try await load(call.voice, .voice)
        while goesOn {
            switch session.next() {
            case .speak(let say): goesOn = try await speak(say)
            case .wait(let seconds): try await pass(Double(seconds))
            case .listen(let gather): goesOn = try await listen(gather)
            case .fetch(let reference, let method):
                goesOn = try await load(Webhook(url: resolve(reference), method: method), .turn)
            case .dial(let dial): goesOn = try await connect(dial)
            case .reject, .hangUp: goesOn = false
            case .tooManyRedirects:
                fail(WebhookSender.Failure(code: 20000, message: "The documents redirect without end"))
                goesOn = false
            }
        }
    }

    private mutating func speak(_ say: TwiMLDocument.Say) async throws -> Bool {
        note(say.text, isAgents: true, language: say.language)
        try await pass(Double(say.text.utf8.count) / 15)
        return mind.hear(say.text, language: say.language)
    }

    private mutating func listen(_ gather: TwiMLDocument.Gather) async throws -> Bool {
        let action = Webhook(url: resolve(gather.action), method: gather.method)
        switch mind.respond() {
        case .say(let text, let confidence) where gather.listensToSpeech:
            try await pass(1 + Double(text.utf8.count) / 15)
            session.wasHeard()
            return try await load(action, .turn, heard(text, confidence, gather))
        case .sayAndHangUp(let text, let confidence) where gather.listensToSpeech:
            try await pass(1 + Double(text.utf8.count) / 15)
            leave(action, heard(text, confidence, gather))
            try await Task.sleep(for: settings.hangUpDelay)
            return false
        case .hangUp: return false
        case .say, .sayAndHangUp, .keepSilent:
            try await pass(Double(gather.timeoutSeconds))
            guard gather.postsEmptyResult else { return true }
            return try await load(action, .turn, ["SpeechResult": ""])
        }
    }

    /// Calls somebody else for the callee. Those who answer talk with each other for a while.
    private mutating func connect(_ dial: TwiMLDocument.Dial) async throws -> Bool {
        let status: String
        switch settings.callee(dial.number).kind {
        case .unreachable: status = "failed"
        case .busy: status = "busy"
        case let kind where kind.answers:
            status = "completed"
            try await pass(30)
        default:
            status = "no-answer"
            try await pass(Double(dial.timeoutSeconds))
        }
        ledger.update(sid) { $0.transfers.append(.init(number: dial.number, status: status)) }
        guard let action = dial.action else { return true }
        session.wasHeard()
        return try await load(
            Webhook(url: resolve(action), method: dial.method), .turn, ["DialCallStatus": status])
    }

    private mutating func heard(_ text: String, _ confidence: Double, _ gather: TwiMLDocument.Gather) -> FormFields {
        note(text, isAgents: false, language: gather.language)
        let hundredths = String(Int(confidence * 100) + 100).dropFirst()
        var fields: FormFields = ["SpeechResult": text, "Confidence": "0.\(hundredths)"]
        if let language = gather.language { fields.add("Language", language) }
        return fields
    }

    /// Sends what was said; the callee is gone before the answer comes.
    private mutating func leave(_ webhook: Webhook, _ fields: FormFields) {
        let parameters = parameters(fields)
        abandoned = Task { [sender, sid] in _ = try? await sender.send(webhook, .turn, of: sid, parameters) }
    }

    // MARK: documents

    /// Fetches the next document, from the fallback URL if need be. False when the call is over for want of one.
    private mutating func load(
        _ webhook: Webhook, _ kind: WebhookRecord.Kind, _ fields: FormFields = [:]
    ) async throws -> Bool {
        documents += 1
        guard documents <= Self.maximumDocuments else { return false }
        do {
            try await fetch(webhook, kind, fields)
        } catch let failure as WebhookSender.Failure {
            guard let fallback = call.fallback else {
                fail(failure, webhook.url)
                return false
            }
            let about: FormFields = ["ErrorCode": String(failure.code), "ErrorUrl": webhook.url]
            do {
                try await fetch(fallback, kind, about)
            } catch let failure as WebhookSender.Failure {
                fail(failure, fallback.url)
                return false
            }
        }
        return true
    }

    private mutating func fetch(_ webhook: Webhook, _ kind: WebhookRecord.Kind, _ fields: FormFields) async throws {
        let watch = Stopwatch()
        let response = try await sender.send(webhook, kind, of: sid, parameters(fields))
        talkSeconds += watch.elapsed.inSeconds
        url = WebhookPolicy.read(webhook.url, default: sender.policy).url
        do throws(TwiMLError) {
            session.load(try TwiMLReader.read(response.body, contentType: response.headers["Content-Type"]))
        } catch {
            throw WebhookSender.Failure(code: error.code, message: error.message)
        }
    }

    /// Twilio speaks to the callee itself, and hangs up.
    private func fail(_ failure: WebhookSender.Failure, _ url: String? = nil) {
        let message = "We are sorry, an application error has occurred. Goodbye."
        note(message, isAgents: true, language: "en-US")
        ledger.update(sid) {
            $0.applicationErrors.append(.init(code: failure.code, message: failure.message, url: url ?? self.url))
        }
    }

    private func resolve(_ reference: String) -> String { WebhookURL.resolve(reference, against: url) }

    // MARK: status, time and end

    private mutating func end(
        _ body: (inout CallDriver) async throws -> SimulatedCall.Status
    ) async {
        let status: SimulatedCall.Status
        do {
            status = try await body(&self)
        } catch {
            // Hung up by request.
            status = ledger[sid]?.started == nil ? .canceled : .completed
        }
        let duration = ledger[sid]?.started == nil ? 0 : max(1, Int(talkSeconds.rounded(.up)))
        ledger.update(sid) {
            $0.status = status
            $0.ended = .now
            $0.durationSeconds = duration
        }
        var fields: FormFields = ["CallDuration": String(duration)]
        if duration > 0 { fields.add("Duration", String((duration + 59) / 60)) }
        callbacks.post("completed", parameters(fields))
        await callbacks.finish()
        await abandoned?.value
    }

    private mutating func advance(to status: SimulatedCall.Status, event: String) {
        ledger.update(sid) { $0.status = status }
        callbacks.post(event, parameters())
    }

    private mutating func pass(_ seconds: Double) async throws {
        talkSeconds += ledger[sid]?.started == nil ? 0 : seconds
        guard settings.speed.isFinite else {
            try Task.checkCancellation()
            return
        }
        try await Task.sleep(for: .seconds(seconds / settings.speed))
    }

    /// What every webhook says of the call.
    private func parameters(_ more: FormFields = [:]) -> FormFields {
        let current = ledger[sid]
        var fields: FormFields = [
            "CallSid": sid, "AccountSid": account, "From": call.from, "To": call.to, "Caller": call.from,
            "Called": call.to, "CallStatus": current?.status.rawValue ?? "completed",
            "Direction": current?.direction ?? "outbound-api", "ApiVersion": "2010-04-01",
        ]
        if let answeredBy = current?.answeredBy { fields.add("AnsweredBy", answeredBy) }
        for field in more.fields { fields.add(field.name, field.value) }
        return fields
    }

    private func note(_ text: String, isAgents: Bool, language: String?) {
        ledger.update(sid) { $0.transcript.append(.init(isAgents: isAgents, text: text, language: language)) }
    }
}
