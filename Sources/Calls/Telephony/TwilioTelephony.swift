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

    public func find(to: String, from: String, within age: Duration) async throws -> [ProviderCall] {
        try await client.calls(to: to, from: from, within: age)
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
    /// Refusals that have nothing to do with who is called, from Twilio's error dictionary: the account is suspended (10001, 20005),
    /// may not do this (10002) or has too many calls (10004); our URL (21205); our own number is not verified (21210), not valid
    /// (21212) or missing (21213).
    private static let accountCodes: Set = [10_001, 10_002, 10_004, 20_005, 21_205, 21_210, 21_212, 21_213]

    /// What Twilio's refusals mean for a dial. What is wrong with the account is not the lead's fault: the call waits until
    /// somebody has put it right.
    init(_ error: TwilioError) {
        self =
            switch error {
            case .refused(_, let code?, _) where Self.accountCodes.contains(code):
                .retryLater(
                    after: .seconds(60),
                    message: "\(error); check the account, TWILIO_FROM_NUMBER and PUBLIC_URL")
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
            startedAt: call.startTime, endedAt: call.endTime,
            durationSeconds: call.durationSeconds.flatMap { Int32(exactly: $0) }.map { Int(max($0, 0)) },
            answeredBy: call.answeredBy, price: call.price.flatMap(Self.amount), currency: call.priceUnit)
    }

    /// "-0.0170" is 0.0170; nil is what is no numeral, as from a server that has no prices.
    private static func amount(_ price: String) -> String? {
        let amount = price.hasPrefix("-") ? price.dropFirst() : price[...]
        return amount.wholeMatch(of: /[0-9]{1,8}(\.[0-9]{1,20})?/).map { String($0.output.0) }
    }
}
