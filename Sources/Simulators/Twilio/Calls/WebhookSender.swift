import FoundationEssentials
import HTTP
import Platform

/// Sends webhooks as Twilio does: signed, with a time-out and a retry; and doubled, when that fault is switched on.
struct WebhookSender: Sendable {
    /// Why a webhook gave nothing to go on with, in the codes of Twilio's debugger.
    struct Failure: Error {
        var code: Int
        var message: String
    }

    let http: HTTPClient
    let authToken: String
    let policy: WebhookPolicy
    let retryDelay: Duration
    let faults: FaultSwitch
    let ledger: CallLedger

    /// Throws `Failure` when no attempt got an answer of class 2xx, and `CancellationError`.
    func send(
        _ webhook: Webhook, _ kind: WebhookRecord.Kind, of sid: String, _ parameters: FormFields
    ) async throws -> HTTPClientResponse {
        let fault = faults.next(for: kind == .status ? .statusWebhook : .voiceWebhook)
        if let fault, fault.fault == .delay { try await Task.sleep(for: fault.delay) }
        guard fault?.fault == .duplicateWebhook else {
            return try await attempts(webhook, kind, of: sid, parameters, isDuplicate: false)
        }
        async let duplicate = attempts(webhook, kind, of: sid, parameters, isDuplicate: true)
        let first = try await attempts(webhook, kind, of: sid, parameters, isDuplicate: false)
        if let second = try? await duplicate, kind != .status { compare(first, second, webhook, sid) }
        return first
    }

    /// Words that only pass the time may be followed by different ones; what answers a turn may not.
    private func compare(_ first: HTTPClientResponse, _ second: HTTPClientResponse, _ webhook: Webhook, _ sid: String) {
        let answers = [first.text, second.text]
        let settle = answers.allSatisfy { $0.contains("<Gather") || $0.contains("<Hangup") }
        guard settle, answers[0] != answers[1] else { return }
        ledger.update(sid) {
            $0.mismatches.append(.init(url: webhook.url, first: answers[0], second: answers[1]))
        }
    }

    private func attempts(
        _ webhook: Webhook, _ kind: WebhookRecord.Kind, of sid: String, _ parameters: FormFields, isDuplicate: Bool
    ) async throws -> HTTPClientResponse {
        let (url, policy) = WebhookPolicy.read(webhook.url, default: policy)
        let request = request(Webhook(url: url, method: webhook.method), parameters, timeout: policy.readTimeout)
        var attempt = 1
        while true {
            let watch = Stopwatch()
            let result = await Result { try await http.send(request) }
            let record = record(result, kind, url, parameters, attempt, isDuplicate, watch.elapsed)
            ledger.update(sid) { $0.webhooks.keep(record, atMost: 500) }
            switch Self.judge(result) {
            case .success(let response): return response
            case .failure(let judged):
                try Task.checkCancellation()
                let mayRetry = attempt <= policy.retries && policy.reasons.contains(judged.reason)
                guard mayRetry else { throw judged.failure }
            }
            attempt += 1
            if retryDelay > .zero { try await Task.sleep(for: retryDelay) }
        }
    }

    private func request(_ webhook: Webhook, _ parameters: FormFields, timeout: Duration) -> HTTPClientRequest {
        let isGet = webhook.method == "GET"
        let url = isGet ? webhook.url + (webhook.url.contains("?") ? "&" : "?") + parameters.encoded : webhook.url
        let signature = TwilioSigner(authToken: authToken).signature(url: url, parameters: isGet ? [:] : parameters)
        var request =
            isGet
            ? HTTPClientRequest(.get, url)
            : HTTPClientRequest(.post, url, form: parameters)
        request.headers["X-Twilio-Signature"] = signature
        request.headers["User-Agent"] = "TwilioProxy/1.1"
        request.headers["I-Twilio-Idempotency-Token"] = UUID().uuidString.lowercased()
        request.timeout = timeout
        return request
    }

    private struct Judged: Error {
        /// In the words of `WebhookPolicy.reasons`.
        var reason: String
        var failure: Failure
    }

    private static func judge(_ result: Result<HTTPClientResponse, any Error>) -> Result<HTTPClientResponse, Judged> {
        switch result {
        case .success(let response) where (200..<300).contains(response.status): return .success(response)
        case .success(let response):
            let failure = Failure(code: 11200, message: "Got HTTP \(response.status) response")
            return .failure(Judged(reason: "\(response.status / 100)xx", failure: failure))
        case .failure(let error as HTTPError) where error.code == .timeout:
            return .failure(Judged(reason: "rt", failure: Failure(code: 11205, message: "HTTP read timeout")))
        case .failure(let error):
            return .failure(
                Judged(reason: "ct", failure: Failure(code: 11205, message: "HTTP connection failure: \(error)")))
        }
    }

    private func record(
        _ result: Result<HTTPClientResponse, any Error>, _ kind: WebhookRecord.Kind, _ url: String,
        _ parameters: FormFields, _ attempt: Int, _ isDuplicate: Bool, _ roundTrip: Duration
    ) -> WebhookRecord {
        let sent = Dictionary(parameters.fields.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
        var record = WebhookRecord(
            kind: kind, url: url, parameters: sent, attempt: attempt, isDuplicate: isDuplicate, roundTrip: roundTrip)
        switch result {
        case .success(let response):
            record.status = response.status
            record.answer = response.text
        case .failure(let error): record.failure = "\(error)"
        }
        return record
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
