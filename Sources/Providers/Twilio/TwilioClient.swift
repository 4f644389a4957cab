import FoundationEssentials
public import HTTP
public import Platform

/// The part of Twilio's REST API (2010-04-01) that places, finds and ends calls, and sends text messages. Every method throws `TwilioError`.
///
/// Nothing is retried here: whether a request may be repeated is for the caller to decide.
public struct TwilioClient: Sendable {
    /// Pages of a list that are read at most; a pair of numbers with more calls than that is an error, not a short list.
    private static let maximumPages = 20
    private static let pageSize = 100

    private let accountSID: String
    private let authToken: Secret
    /// Without a slash at the end.
    private let baseURL: String
    private let http: HTTPClient
    private let timeout: Duration

    /// - Parameters:
    ///   - baseURL: scheme and host, e.g. "https://api.twilio.com".
    ///   - timeout: for one request, from start to the last byte of the answer.
    public init(
        accountSID: String, authToken: Secret, baseURL: String = "https://api.twilio.com", http: HTTPClient,
        timeout: Duration = .seconds(15)
    ) {
        self.accountSID = accountSID
        self.authToken = authToken
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.http = http
        self.timeout = timeout
    }

    /// Asks for a call. After `.maybeHappened` the call may exist: ask `calls(to:from:within:)` before dialling again.
    public func createCall(_ new: TwilioNewCall) async throws(TwilioError) -> TwilioCall {
        var form: FormFields = [
            "To": new.to, "From": new.from, "Url": new.url, "Method": "POST",
            "StatusCallback": new.statusCallback, "StatusCallbackMethod": "POST",
        ]
        for event in ["initiated", "ringing", "answered", "completed"] { form.add("StatusCallbackEvent", event) }
        if new.detectsMachines { form.add("MachineDetection", "Enable") }
        form.add("Timeout", String(new.timeoutSeconds))
        return try await call(in: send(HTTPClientRequest(.post, baseURL + path("Calls.json"), form: form)))
    }

    /// Asks for a text message. After `.maybeHappened` it may have been sent.
    public func createMessage(to: String, from: String, body: String) async throws(TwilioError) {
        let form: FormFields = ["To": to, "From": from, "Body": body]
        let answer = try await json(of: send(HTTPClientRequest(.post, baseURL + path("Messages.json"), form: form)))
        guard answer["sid"]?.string != nil else { throw Self.unreadable("the message has no sid") }
    }

    /// The calls between these numbers that Twilio has made within this time, those that still wait in its queue included. By Twilio's
    /// clock: one of this machine that runs ahead would overlook them.
    ///
    /// The API's own filter `StartTime` is not used: a call above the account's rate waits without a start time, and one
    /// that is overlooked here would be dialled twice. Calls without any date are kept for the same reason.
    public func calls(to: String, from: String, within age: Duration) async throws(TwilioError) -> [TwilioCall] {
        let query: FormFields = ["To": to, "From": from, "PageSize": String(Self.pageSize)]
        var next: String? = baseURL + path("Calls.json") + "?" + query.encoded
        var since: Date?
        var found: [TwilioCall] = []
        for _ in 0..<Self.maximumPages {
            guard let url = next else { return found }
            let response = try await send(HTTPClientRequest(.get, url))
            // Twilio's times are whole seconds.
            let earliest = since ?? (response.date ?? Date()).addingTimeInterval(-age.inSeconds - 1)
            since = earliest
            let page = try json(of: response)
            guard let calls = page["calls"]?.array else { throw Self.unreadable("the list has no “calls”") }
            for call in calls {
                guard let call = TwilioCall(json: call) else { throw Self.unreadable("a call has no sid or status") }
                if (call.dateCreated ?? call.startTime).map({ $0 >= earliest }) ?? true {
                    found.append(call)
                }
            }
            next = try nextPage(page["next_page_uri"]?.string)
        }
        guard next == nil else { throw Self.unreadable("more than \(Self.maximumPages) pages of calls") }
        return found
    }

    /// The call as Twilio knows it now. Throws `.notFound` when it knows none by this sid.
    public func call(_ sid: String) async throws(TwilioError) -> TwilioCall {
        try await call(in: send(HTTPClientRequest(.get, url(ofCall: sid))))
    }

    /// Ends a call, whether it is queued, ringing or in progress. Throws `.notFound` when there is none by this sid and
    /// `.refused` (code 21220) when it is no longer in progress.
    @discardableResult
    public func hangUp(_ sid: String) async throws(TwilioError) -> TwilioCall {
        let form: FormFields = ["Status": "completed"]
        return try await call(in: send(HTTPClientRequest(.post, url(ofCall: sid), form: form)))
    }
}

extension TwilioClient {
    private func path(_ rest: String) -> String { "/2010-04-01/Accounts/\(accountSID)/\(rest)" }

    /// A sid comes from outside, so it must not be able to lead elsewhere.
    private func url(ofCall sid: String) throws(TwilioError) -> String {
        guard !sid.isEmpty, sid.utf8.count <= 64, sid.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
            throw .notFound(message: "a call's sid has letters and digits only")
        }
        return baseURL + path("Calls/\(sid).json")
    }

    /// The next page's URL, which never leaves the list on the host that we were told: credentials travel with it.
    private func nextPage(_ uri: String?) throws(TwilioError) -> String? {
        guard let uri, !uri.isEmpty else { return nil }
        let relative = uri.hasPrefix(baseURL + "/") ? String(uri.dropFirst(baseURL.count)) : uri
        guard relative.hasPrefix(path("Calls.json?")) else {
            throw Self.unreadable("the next page is not of this list")
        }
        return baseURL + relative
    }

    private func send(_ request: HTTPClientRequest) async throws(TwilioError) -> HTTPClientResponse {
        var request = request
        let credentials = Data("\(accountSID):\(authToken.reveal())".utf8).base64EncodedString()
        request.headers["Authorization"] = "Basic \(credentials)"
        request.headers["Accept"] = "application/json"
        request.timeout = timeout
        let response: HTTPClientResponse
        do {
            response = try await http.send(request)
        } catch let error as HTTPError {
            throw TwilioError(error)
        } catch {
            throw .maybeHappened(message: "\(type(of: error))")
        }
        guard (200..<300).contains(response.status) else { throw TwilioError(response) }
        return response
    }

    private func json(of response: HTTPClientResponse) throws(TwilioError) -> JSON {
        guard let json = try? response.json() else { throw Self.unreadable("the body is not JSON") }
        return json
    }

    private func call(in response: HTTPClientResponse) throws(TwilioError) -> TwilioCall {
        guard let call = TwilioCall(json: try json(of: response)) else {
            throw Self.unreadable("the call has no sid or status")
        }
        return call
    }

    private static func unreadable(_ reason: String) -> TwilioError {
        .maybeHappened(message: "unreadable answer: \(reason)")
    }
}
