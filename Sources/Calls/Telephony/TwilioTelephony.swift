public import FoundationEssentials
public import Providers

/// Telephone calls through Twilio.
public struct TwilioTelephony: Telephony {
    private let client: TwilioClient
    public init(_ client: TwilioClient) { self.client = client }

    public func dial(_ request: DialRequest) async throws -> String {
        let seconds = Int(min(max(request.ringTimeout.components.seconds, 1), 600))
        let new = TwilioNewCall(
            to: request.to, from: request.from, url: request.answerURL, statusCallback: request.statusURL,
            timeoutSeconds: seconds)
        do {
            return try await client.createCall(new).sid
        } catch {
            throw DialError(error)
        }
    }

    public func find(to: String, from: String, since: Date) async throws -> [ProviderCall] {
        try await client.calls(to: to, from: from, since: since)
            // Calls to us between the same two numbers are none that we dialled.
            .filter { $0.direction?.hasPrefix("inbound") != true }
            .map { try ProviderCall($0) }
    }

    public func state(of id: String) async throws -> ProviderCall? {
        do {
            return try ProviderCall(await client.call(id))
        } catch TwilioError.notFound {
            return nil
        }
    }

    public func hangUp(_ id: String) async throws {
        do {
            try await client.hangUp(id)
        } catch TwilioError.notFound, TwilioError.refused(_, 21_220, _) {
            // It has ended, which is what was wanted.
        }
    }
}

extension DialError {
    /// What Twilio's refusals mean for a dial. A missing permission or a wrong token is not the lead's fault: the call
    /// waits until somebody has put it right.
    init(_ error: TwilioError) {
        self =
            switch error {
            case .refused(_, let code, let message): .refused(code: code, message: message)
            case .unauthorized: .retryLater(after: .seconds(60), message: "\(error)")
            case .notFound: .retryLater(after: .seconds(60), message: "\(error); check TWILIO_ACCOUNT_SID")
            case .rateLimited(let retryAfter): .retryLater(after: retryAfter, message: "\(error)")
            case .unavailable(let retryAfter, _): .retryLater(after: retryAfter, message: "\(error)")
            case .maybeHappened: .unknown(message: "\(error)")
            }
    }
}

/// A status that this version does not know.
struct UnknownCallStatus: Error, CustomStringConvertible {
    let status: String
    var description: String { "the provider's call status “\(status)” is not known" }
}

extension ProviderCall {
    init(_ call: TwilioCall) throws(UnknownCallStatus) {
        guard let status = ProviderCallStatus(rawValue: call.status) else {
            throw UnknownCallStatus(status: String(call.status.prefix(40)))
        }
        self.init(
            id: call.sid, status: status, to: call.to, from: call.from, createdAt: call.dateCreated,
            startedAt: call.startTime, endedAt: call.endTime, durationSeconds: call.durationSeconds,
            answeredBy: call.answeredBy, price: call.price.map { $0.hasPrefix("-") ? String($0.dropFirst()) : $0 },
            currency: call.priceUnit)
    }
}
