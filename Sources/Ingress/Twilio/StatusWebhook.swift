import Calls
import HTTP
import Platform

/// A `status` webhook: what became of a call.
struct StatusRequest: Sendable, Hashable {
    var event: RecordCallStatus
    /// Twilio's number of the event within its call.
    var sequence: Int?

    init(_ webhook: TwilioWebhook) throws(Problem) {
        let sid = try webhook.callSID
        guard let status = webhook.form["CallStatus"] else { throw .invalid("CallStatus", "is missing") }
        guard ProviderCallStatus(rawValue: status) != nil else {
            let known = ProviderCallStatus.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalid("CallStatus", "is not one of \(known)")
        }
        event = RecordCallStatus(
            callID: try webhook.number("call", in: 1...Int64.max), providerCallID: sid, status: status,
            answeredBy: webhook.text("AnsweredBy", limit: 64),
            durationSeconds: try Self.count("CallDuration", webhook))
        sequence = try Self.count("SequenceNumber", webhook)
    }

    private static func count(_ field: String, _ webhook: TwilioWebhook) throws(Problem) -> Int? {
        guard let text = webhook.form[field], !text.isEmpty else { return nil }
        guard let count = Int(text), (0...10_000_000).contains(count) else {
            throw .invalid(field, "is not a count")
        }
        return count
    }
}

/// Commits statuses. Nobody waits for what comes of them.
struct StatusWebhook: Sendable {
    let intake: TurnIntake
    /// How long a request is kept while the database is away.
    let hold: Duration
    let logger: Logger

    func answer(_ request: StatusRequest) async throws(Problem) -> HTTPServerResponse {
        var hold = Hold(hold)
        let job: Int64?
        do {
            job = try await hold.retrying { [intake] in
                try await intake.take(request.event, sequence: request.sequence)
            }
        } catch {
            logger.error(
                "a status could not be written: \(error)",
                metadata: ["sid": request.event.providerCallID, "status": request.event.status])
            throw .unavailable
        }
        guard job != nil else { throw .unknownCall(request.event.callID == nil ? "CallSid" : "call") }
        return HTTPServerResponse(status: 204)
    }
}
