public import FoundationEssentials
public import HTTP
import Platform

/// One calendar of Google Calendar API v3, as a service account.
///
/// Every method throws `GoogleCalendarError`, or `CancellationError`. What may be repeated without harm is, with backoff,
/// inside `Configuration.deadline`; an insert is only repeated when it was certainly not done.
public struct GoogleCalendarClient: Sendable {
    public struct Configuration: Sendable {
        public var baseURL = "https://www.googleapis.com/calendar/v3"
        public var calendarID: String
        /// The user to act as, with domain-wide delegation.
        public var impersonate: String?
        /// For one attempt.
        public var requestTimeout: Duration = .seconds(8)
        /// For all attempts and the waits between them.
        public var deadline: Duration = .seconds(20)
        public var baseDelay: Duration = .milliseconds(500)
        public var maximumDelay: Duration = .seconds(8)
        public init(calendarID: String) { self.calendarID = calendarID }
    }

    private let configuration: Configuration
    private let client: HTTPClient
    private let tokens: GoogleAccessTokens
    private let sleep: @Sendable (Duration) async throws -> Void

    public init(_ configuration: Configuration, account: GoogleServiceAccount, client: HTTPClient) {
        self.init(configuration, account: account, client: client, sleep: { try await Task.sleep(for: $0) })
    }

    /// - Parameter sleep: waits between attempts; tests give their own.
    init(
        _ configuration: Configuration, account: GoogleServiceAccount, client: HTTPClient,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.configuration = configuration
        self.client = client
        self.sleep = sleep
        tokens = GoogleAccessTokens(
            account, subject: configuration.impersonate, client: client, timeout: configuration.requestTimeout)
    }

    /// Whether it acts as a user, with domain-wide delegation. Only then does Google let a service account invite anybody.
    public var actsAsUser: Bool { configuration.impersonate != nil }

    /// What is taken between these instants, in order. A calendar that Google cannot read is an error, never free.
    public func busy(from: Date, to: Date) async throws -> [Range<Date>] {
        let query: JSON = [
            "timeMin": .string(Zone.utc.iso8601(from)), "timeMax": .string(Zone.utc.iso8601(to)), "timeZone": "UTC",
            "items": [["id": .string(configuration.calendarID)]],
        ]
        let request = HTTPClientRequest(.post, configuration.baseURL + "/freeBusy", json: query)
        return try await perform(request, isRepeatable: true) { try busyTimes(in: $0) }
    }

    /// Inserts the event and has Google invite its guests.
    ///
    /// Throws `.conflict` when the id is taken, and `.maybeHappened` when the answer was lost: in both cases `event(_:)` tells
    /// what is there. Google does not promise to detect every second use of an id, so do not insert again before asking.
    public func insert(_ event: GoogleEvent) async throws -> GoogleStoredEvent {
        guard GoogleEvent.isValidID(event.id) else {
            throw GoogleCalendarError(.invalid, "an event's id has 5 to 1024 of the characters a to v and 0 to 9")
        }
        let request = HTTPClientRequest(.post, "\(eventsURL)?sendUpdates=all", json: event.json)
        return try await perform(request, isRepeatable: false, read: storedEvent)
    }

    /// The event with this id, a deleted one as cancelled; nil when there is none.
    public func event(_ id: String) async throws -> GoogleStoredEvent? {
        do {
            return try await perform(HTTPClientRequest(.get, url(ofEvent: id)), isRepeatable: true, read: storedEvent)
        } catch let error as GoogleCalendarError where error.code == .notFound {
            return nil
        }
    }

    /// Moves the event and has Google tell its guests; all else of it stays.
    ///
    /// Throws `.notFound`, `.deleted`, and `.maybeHappened` when the answer was lost: then ask for the event before moving it
    /// again, so that its guests are not told twice.
    public func move(_ id: String, to time: Range<Date>, timezone: String) async throws -> GoogleStoredEvent {
        let body: JSON = [
            "start": GoogleTime.json(time.lowerBound, timezone), "end": GoogleTime.json(time.upperBound, timezone),
        ]
        let request = HTTPClientRequest(.patch, "\(url(ofEvent: id))?sendUpdates=all", json: body)
        return try await perform(request, isRepeatable: false, read: storedEvent)
    }

    /// Deletes the event and has Google tell its guests. One that is deleted already is no error; one that never was is
    /// `.notFound`.
    public func delete(_ id: String) async throws {
        let request = HTTPClientRequest(.delete, "\(url(ofEvent: id))?sendUpdates=all")
        do {
            try await perform(request, isRepeatable: true) { _ in }
        } catch let error as GoogleCalendarError where error.code == .deleted {
            return
        }
    }
}

extension GoogleCalendarClient {
    private var eventsURL: String {
        "\(configuration.baseURL)/calendars/\(PercentCoding.encode(configuration.calendarID))/events"
    }

    private func url(ofEvent id: String) -> String { "\(eventsURL)/\(PercentCoding.encode(id))" }

    private func storedEvent(_ response: HTTPClientResponse) throws -> GoogleStoredEvent {
        guard let json = try? response.json(), let event = GoogleStoredEvent(json: json) else {
            throw GoogleCalendarError(.invalidAnswer, "the answer is not an event")
        }
        return event
    }

    private func busyTimes(in response: HTTPClientResponse) throws -> [Range<Date>] {
        let id = configuration.calendarID
        // "primary" is answered under the calendar's own name.
        let calendars = (try? response.json())?["calendars"]?.object
        guard let calendar = calendars?[id] ?? (calendars?.count == 1 ? calendars?.values.first : nil) else {
            throw GoogleCalendarError(.invalidAnswer, "the answer does not mention the calendar")
        }
        if let reason = calendar["errors"]?.array?.first?["reason"]?.string {
            let code: GoogleCalendarError.Code = reason == "notFound" ? .notFound : .unavailable
            throw GoogleCalendarError(code, "the calendar \(id) cannot be read: \(reason)")
        }
        guard let periods = calendar["busy"]?.array else {
            throw GoogleCalendarError(.invalidAnswer, "the answer does not say when the calendar is busy")
        }
        return try periods.map(Self.period).sorted { $0.lowerBound < $1.lowerBound }
    }

    private static func period(_ json: JSON) throws -> Range<Date> {
        guard let start = json["start"]?.string.flatMap(GoogleTime.date),
            let end = json["end"]?.string.flatMap(GoogleTime.date), start <= end
        else { throw GoogleCalendarError(.invalidAnswer, "a busy time is not a pair of times") }
        return start..<end
    }
}

extension GoogleCalendarClient {
    private func perform<Value>(
        _ request: HTTPClientRequest, isRepeatable: Bool, read: (HTTPClientResponse) throws -> Value
    ) async throws -> Value {
        let deadline = ContinuousClock.now + configuration.deadline
        var retry = GoogleRetry(
            deadline: deadline, baseDelay: configuration.baseDelay, maximumDelay: configuration.maximumDelay)
        while true {
            do {
                return try await read(attempt(request, deadline, isRepeatable))
            } catch let error as GoogleCalendarError {
                guard let wait = retry.wait(after: error, now: .now, random: .random(in: 0...1)) else { throw error }
                try await sleep(wait)
            }
        }
    }

    /// A token that Google no longer accepts is replaced once.
    private func attempt(
        _ request: HTTPClientRequest, _ deadline: ContinuousClock.Instant, _ isRepeatable: Bool
    ) async throws -> HTTPClientResponse {
        let token = try await tokens.token()
        var response = try await send(request, token, deadline, isRepeatable)
        if response.status == 401 {
            await tokens.invalidate(token)
            response = try await send(request, tokens.token(), deadline, isRepeatable)
        }
        guard (200..<300).contains(response.status) else {
            throw GoogleCalendarError(response, isRepeatable: isRepeatable)
        }
        return response
    }

    private func send(
        _ request: HTTPClientRequest, _ token: Secret, _ deadline: ContinuousClock.Instant, _ isRepeatable: Bool
    ) async throws -> HTTPClientResponse {
        var request = request
        request.headers["Authorization"] = "Bearer \(token.reveal())"
        request.headers["Accept"] = "application/json"
        request.timeout = max(.milliseconds(1), min(configuration.requestTimeout, deadline - .now))
        do {
            return try await client.send(request)
        } catch let error as HTTPError where error.code == .cancelled {
            throw CancellationError()
        } catch let error as HTTPError {
            throw GoogleCalendarError(error, isRepeatable: isRepeatable)
        }
    }
}
