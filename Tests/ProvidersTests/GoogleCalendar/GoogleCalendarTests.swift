import FoundationEssentials
import HTTP
import Platform
import Simulators
import Testing

@testable import Providers

@Suite struct GoogleCalendarTests {
    static let start = Date(timeIntervalSince1970: 1_795_532_400)
    static let event: GoogleEvent = {
        var event = GoogleEvent(
            id: "op7k3meeting17", summary: "Reunión de ventas", startsAt: start,
            endsAt: start.addingTimeInterval(1_800),
            timezone: "America/Mexico_City")
        event.guests = [.init(email: "ana@example.org", name: "Ana Muñoz")]
        event.notes = "booked on the phone"
        event.privateProperties = ["operadora": "meeting 17"]
        return event
    }()
    private let busy = HTTPServerResponse.json([
        "calendars": [
            "sales@example.com": [
                "busy": [
                    ["start": "2026-11-24T16:00:00Z", "end": "2026-11-24T17:00:00.500Z"],
                    ["start": "2026-11-24T09:00:00-06:00", "end": "2026-11-24T09:30:00-06:00"],
                ]
            ]
        ]
    ])

    @Test("An event is inserted, found, kept from being inserted again, and deleted")
    func life() async throws {
        let google = try SimulatedGoogle(logger: Logger(label: "test", level: .error))
        var configuration = GoogleCalendarClient.Configuration(calendarID: "primary")
        configuration.baseURL = try google.start()
        configuration.impersonate = "sales@example.com"
        let http = HTTPClient(logger: Logger(label: "test", level: .error))
        let account = try GoogleServiceAccount(parsing: google.credentials.data, file: "credentials.json")
        let client = GoogleCalendarClient(configuration, account: account, client: http)

        #expect(try await client.event(Self.event.id) == nil)
        let inserted = try await client.insert(Self.event)
        #expect(inserted.id == Self.event.id)
        #expect(inserted.startsAt == Self.start)
        #expect(inserted.endsAt == Self.start.addingTimeInterval(1_800))
        #expect(inserted.guestEmails == ["ana@example.org"])
        #expect(inserted.privateProperties == Self.event.privateProperties)
        #expect(try await client.event(Self.event.id) == inserted)
        let busy = try await client.busy(
            from: Self.start.addingTimeInterval(-60), to: Self.start.addingTimeInterval(60))
        #expect(busy.contains { $0.contains(Self.start) })
        let again = await #expect(throws: GoogleCalendarError.self) { try await client.insert(Self.event) }
        #expect(again?.code == .conflict)
        try await client.delete(Self.event.id)
        try await client.delete(Self.event.id)
        #expect(try await client.event(Self.event.id)?.isCancelled == true)
        #expect(google.tokensIssued == 1)
        await google.stop()
    }

    @Test("Busy times are read with any offset, in order")
    func busyTimes() async throws {
        try await withGoogle([busy]) { google in
            let client = try google.client()
            let ranges = try await client.busy(from: Self.start, to: Self.start.addingTimeInterval(86_400))
            let expected = [(1_795_532_400.0, 1_795_534_200.0), (1_795_536_000, 1_795_539_600.5)]
            #expect(ranges.map { ($0.lowerBound.timeIntervalSince1970) } == expected.map(\.0))
            #expect(ranges.map { ($0.upperBound.timeIntervalSince1970) } == expected.map(\.1))
        }
    }

    @Test(
        "A calendar that Google cannot read is an error, never free",
        arguments: [
            #"{"calendars":{"sales@example.com":{"errors":[{"domain":"global","reason":"notFound"}],"busy":[]}}}"#,
            #"{"calendars":{}}"#, "{}", #"{"calendars":{"sales@example.com":{}}}"#, "<html>",
            #"{"calendars":{"sales@example.com":{"busy":[{"start":"soon","end":"later"}]}}}"#,
        ])
    func unreadable(answer: String) async throws {
        try await withGoogle([.text(answer)]) { google in
            let client = try google.client()
            await #expect(throws: GoogleCalendarError.self) {
                try await client.busy(from: Self.start, to: Self.start.addingTimeInterval(60))
            }
        }
    }

    @Test("What can be repeated is, no sooner than Google says")
    func retry() async throws {
        let answers: [HTTPServerResponse] = [
            .google(503, "backendError", headers: ["Retry-After": "3"]), .google(403, "userRateLimitExceeded"),
            .google(429, "rateLimitExceeded"), .drop(), busy,
        ]
        try await withGoogle(answers) { google in
            let client = try google.client()
            _ = try await client.busy(from: Self.start, to: Self.start.addingTimeInterval(60))
            #expect(google.requests.count == 5)
            let waits = google.waits
            #expect(waits.count == 4)
            #expect(waits.first == .seconds(3))
            #expect(waits.dropFirst().allSatisfy { $0 <= .seconds(4) })
        }
    }

    @Test("An insert is repeated when it was certainly not done")
    func insertRateLimited() async throws {
        let stored: JSON = ["id": "op7k3meeting17", "status": "confirmed"]
        try await withGoogle([.google(403, "rateLimitExceeded"), .json(stored)]) { google in
            let inserted = try await google.client().insert(Self.event)
            #expect(inserted.id == Self.event.id)
            #expect(google.requests.count == 2)
        }
    }

    @Test("An insert whose answer proves nothing may have happened, and is not repeated", arguments: [0, 500, 503])
    func insertMaybe(status: Int) async throws {
        try await withGoogle([status == 0 ? .drop() : .google(status, "backendError")]) { google in
            let client = try google.client()
            let failure = await #expect(throws: GoogleCalendarError.self) { try await client.insert(Self.event) }
            #expect(failure?.code == .maybeHappened)
            #expect(google.requests.count == 1)
        }
    }

    @Test("An insert that could not be sent certainly did not happen")
    func insertNotSent() async throws {
        try await withGoogle([busy]) { google in
            // Nobody listens on port 1.
            let client = try google.client(calendarURL: "http://127.0.0.1:1", deadline: .milliseconds(200))
            let failure = await #expect(throws: GoogleCalendarError.self) { try await client.insert(Self.event) }
            #expect(failure?.code == .unavailable)
        }
    }

    @Test("An id that Google would refuse is not sent", arguments: ["", "abcd", "Abcde", "meeting-1", "xyzw1"])
    func invalidID(id: String) async throws {
        try await withGoogle([.drop()]) { google in
            var event = Self.event
            event.id = id
            let client = try google.client()
            let failure = await #expect(throws: GoogleCalendarError.self) { try await client.insert(event) }
            #expect(failure?.code == .invalid)
            #expect(google.requests.isEmpty)
        }
    }

    @Test(
        "Each refusal has its code",
        arguments: [
            (400, "badRequest", GoogleCalendarError.Code.invalid), (401, "authError", .unauthenticated),
            (403, "forbidden", .forbidden), (403, "forbiddenForServiceAccounts", .forbiddenForServiceAccounts),
            (403, "rateLimitExceeded", .rateLimited), (403, "userRateLimitExceeded", .rateLimited),
            (403, "quotaExceeded", .quotaExceeded), (404, "notFound", .notFound), (409, "duplicate", .conflict),
            (410, "deleted", .deleted), (429, "rateLimitExceeded", .rateLimited),
            (429, "quotaExceeded", .quotaExceeded),
            (500, "backendError", .maybeHappened),
        ])
    func codes(status: Int, reason: String, code: GoogleCalendarError.Code) {
        let body = Array(#"{"error":{"code":\#(status),"message":"m","errors":[{"reason":"\#(reason)"}]}}"#.utf8)
        let error = GoogleCalendarError(HTTPClientResponse(status: status, body: body), isRepeatable: false)
        #expect(error.code == code)
        #expect(error.description == "Google Calendar: HTTP \(status): \(reason): m")
    }

    @Test("Waiting grows, is bounded, and ends before the deadline")
    func backoff() {
        let start = ContinuousClock.now
        let error = GoogleCalendarError(.unavailable, "")
        var retry = GoogleRetry(deadline: start + .seconds(10), baseDelay: .seconds(1), maximumDelay: .seconds(4))
        let waits = (0..<5).map { _ in retry.wait(after: error, now: start, random: 1) }
        #expect(waits == [.seconds(1), .seconds(2), .seconds(4), .seconds(4), .seconds(4)])
        #expect(retry.wait(after: error, now: start + .seconds(6), random: 1) == nil)
        #expect(retry.wait(after: error, now: start + .seconds(6), random: 0.5) == .seconds(2))
        #expect(retry.wait(after: GoogleCalendarError(.invalid, ""), now: start, random: 0) == nil)
    }
}
