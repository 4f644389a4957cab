import FoundationEssentials
import HTTP
import Platform
import TestSupport
import Testing

@testable import Simulators

@Suite struct GoogleCalendarTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var event: JSON
        var query = ""
        var status = 400
        var reason: String
    }

    static let mistakes: [Mistake] = [
        Mistake(testDescription: "short id", event: SampleEvent.json(["id": "abcd"]), reason: "invalid"),
        Mistake(testDescription: "id with a w", event: SampleEvent.json(["id": "window"]), reason: "invalid"),
        Mistake(testDescription: "id with capitals", event: SampleEvent.json(["id": "Meeting1"]), reason: "invalid"),
        Mistake(
            testDescription: "id of 1,025 characters",
            event: SampleEvent.json(["id": .string(String(repeating: "a", count: 1_025))]), reason: "invalid"),
        Mistake(
            testDescription: "a time to a day", event: SampleEvent.json(["end": ["date": "2026-03-11"]]),
            reason: "invalid"),
        Mistake(testDescription: "no end", event: SampleEvent.json(["end": .null]), reason: "required"),
        Mistake(
            testDescription: "end before start",
            event: SampleEvent.json(["end": ["dateTime": "2026-03-10T09:00:00-06:00"]]), reason: "timeRangeEmpty"),
        Mistake(
            testDescription: "time without offset or zone",
            event: SampleEvent.json(["start": ["dateTime": "2026-03-10T10:00:00"]]), reason: "required"),
        Mistake(
            testDescription: "unknown zone",
            event: SampleEvent.json(["start": ["dateTime": "2026-03-10T10:00:00", "timeZone": "Mars/Olympus"]]),
            reason: "invalid"),
        Mistake(
            testDescription: "day that does not exist",
            event: SampleEvent.json(["start": ["dateTime": "2026-02-30T10:00:00Z"]]), reason: "invalid"),
        Mistake(
            testDescription: "attendees without delegation",
            event: SampleEvent.json(["attendees": [["email": "maria@example.com"]]]), status: 403,
            reason: "forbiddenForServiceAccounts"),
        Mistake(
            testDescription: "attendee that is no address",
            event: SampleEvent.json(["attendees": [["email": "maria at example"]]]), reason: "invalid"),
        Mistake(
            testDescription: "reminder by carrier pigeon",
            event: SampleEvent.json([
                "reminders": ["useDefault": false, "overrides": [["method": "pigeon", "minutes": 1]]]
            ]), reason: "invalid"),
        Mistake(
            testDescription: "default reminders and others",
            event: SampleEvent.json([
                "reminders": ["useDefault": true, "overrides": [["method": "popup", "minutes": 1]]]
            ]), reason: "cannotUseDefaultRemindersAndSpecifyOverride"),
        Mistake(
            testDescription: "unknown field", event: SampleEvent.json(["sumary": "x"]), reason: "badRequest"),
        Mistake(
            testDescription: "unknown sendUpdates", event: SampleEvent.json(), query: "?sendUpdates=everybody",
            reason: "invalidParameter"),
    ]

    @Test("An event that Google would refuse is refused with Google's reason", arguments: mistakes)
    func refused(_ mistake: Mistake) async throws {
        try await GoogleBench.run { bench in
            let token = try await bench.token()
            let path = "/calendars/primary/events\(mistake.query)"
            let response = try await bench.send(.post, path, token: token, mistake.event)
            #expect(response.status == mistake.status)
            #expect(
                try response.json()["error"]?["errors"]?[0]?["reason"]?.string == mistake.reason, "\(response.text)")
            #expect(bench.simulator.events().isEmpty)
        }
    }

    @Test("An event is inserted once; its id stays taken when it is deleted")
    func identity() async throws {
        try await GoogleBench.run { bench in
            let token = try await bench.token()
            let path = "/calendars/primary/events"
            let inserted = try await bench.send(.post, path + "?sendUpdates=all", token: token, SampleEvent.json())
            #expect(inserted.status == 200)
            #expect(try inserted.json()["status"] == "confirmed")
            #expect(try inserted.json()["htmlLink"]?.string?.hasPrefix("https://") == true)
            let again = try await bench.send(.post, path, token: token, SampleEvent.json())
            #expect(again.status == 409)
            #expect(try again.json()["error"]?["errors"]?[0]?["reason"] == "duplicate")
            #expect(try await bench.send(.delete, path + "/meeting00001", token: token).status == 204)
            #expect(try await bench.send(.delete, path + "/meeting00001", token: token).status == 410)
            #expect(try await bench.send(.post, path, token: token, SampleEvent.json()).status == 409)
            let deleted = try await bench.send(.get, path + "/meeting00001", token: token)
            #expect(try deleted.json()["status"] == "cancelled")
            #expect(try await bench.send(.get, path + "/meeting99999", token: token).status == 404)
            #expect(bench.simulator.events().map(\.isCancelled) == [true])
        }
    }

    @Test("A calendar that is shared for reading alone can be read, and refuses every change")
    func readOnly() async throws {
        var configuration = SimulatedGoogle.Configuration()
        configuration.readOnlyCalendars = ["primary"]
        try await GoogleBench.run(configuration) { bench in
            let token = try await bench.token()
            let events = "/calendars/primary/events"
            #expect(try await bench.send(.get, events, token: token).status == 200)
            let changes: [(HTTPClientRequest.Method, String)] = [
                (.post, ""), (.patch, "/a"), (.put, "/a"), (.delete, "/a"),
            ]
            for (method, path) in changes {
                let refusal = try await bench.send(method, events + path, token: token, SampleEvent.json())
                #expect(refusal.status == 403)
                let error = try refusal.json()["error"]?["errors"]?[0]
                #expect(error?["domain"] == "calendar" && error?["reason"] == "requiredAccessLevel")
            }
            #expect(bench.simulator.events().isEmpty)
        }
    }

    @Test("Who acts for a person may invite guests")
    func delegation() async throws {
        try await GoogleBench.run { bench in
            let token = try await bench.token(for: "sales@example.com")
            let event = SampleEvent.json(["attendees": [["email": "maria@example.com"]]])
            let response = try await bench.send(
                .post, "/calendars/primary/events?sendUpdates=all", token: token, event)
            #expect(response.status == 200)
            #expect(try response.json()["attendees"]?[0]?["responseStatus"] == "needsAction")
            #expect(bench.simulator.events().map(\.attendees) == [["maria@example.com"]])
            #expect(bench.simulator.events().map(\.sendUpdates) == ["all"])
        }
    }

    @Test("Busy times are merged, cut to what was asked, and told in the zone that was asked for")
    func freeBusy() async throws {
        func date(_ text: String) throws -> Date { try #require(Timestamp.parse(text)?.date()) }
        var configuration = SimulatedGoogle.Configuration()
        configuration.busy = [
            "primary": [
                try date("2026-03-10T08:00:00Z")..<date("2026-03-10T09:30:00Z"),
                try date("2026-03-10T09:00:00Z")..<date("2026-03-10T10:00:00Z"),
            ]
        ]
        try await GoogleBench.run(configuration) { bench in
            let token = try await bench.token()
            _ = try await bench.send(.post, "/calendars/primary/events", token: token, SampleEvent.json())
            let query: JSON = [
                "timeMin": "2026-03-10T09:00:00Z", "timeMax": "2026-03-11T00:00:00Z", "timeZone": "America/Mexico_City",
                "items": [["id": "primary"], ["id": "nobody@example.com"]],
            ]
            let answer = try await bench.send(.post, "/freeBusy", token: token, query).json()
            #expect(
                answer["calendars"]?["primary"]?["busy"] == [
                    ["start": "2026-03-10T03:00:00-06:00", "end": "2026-03-10T04:00:00-06:00"],
                    ["start": "2026-03-10T10:00:00-06:00", "end": "2026-03-10T10:30:00-06:00"],
                ])
            #expect(answer["calendars"]?["nobody@example.com"]?["errors"]?[0]?["reason"] == "notFound")
            let backwards = query.merging(["timeMax": "2026-03-09T00:00:00Z"])
            let refused = try await bench.send(.post, "/freeBusy", token: token, backwards)
            #expect(try refused.json()["error"]?["errors"]?[0]?["reason"] == "timeRangeEmpty")
        }
    }

    @Test("Google lets events overlap, and the inspection sees it")
    func overlaps() async throws {
        try await GoogleBench.run { bench in
            let token = try await bench.token()
            for id in ["meeting00001", "meeting00002"] {
                let event = SampleEvent.json(["id": .string(id)])
                #expect(
                    try await bench.send(.post, "/calendars/primary/events", token: token, event).status == 200)
            }
            #expect(bench.simulator.overlaps().map { [$0.id, $1.id] } == [["meeting00001", "meeting00002"]])
            _ = try await bench.send(.delete, "/calendars/primary/events/meeting00001", token: token)
            #expect(bench.simulator.overlaps().isEmpty)
        }
    }

    @Test("An event whose answer is lost is there")
    func lostAnswer() async throws {
        try await GoogleBench.run { bench in
            let token = try await bench.token()
            bench.simulator.faults.trigger(.dropAfterEffect, on: .insertEvent)
            await #expect(throws: HTTPError.self) {
                try await bench.send(.post, "/calendars/primary/events", token: token, SampleEvent.json())
            }
            #expect(bench.simulator.events().map(\.id) == ["meeting00001"])
            bench.simulator.faults.trigger(.dropBeforeEffect, on: .deleteEvent)
            await #expect(throws: HTTPError.self) {
                try await bench.send(.delete, "/calendars/primary/events/meeting00001", token: token)
            }
            #expect(bench.simulator.events().map(\.isCancelled) == [false])
        }
    }

    @Test("Google's own client works against it, credentials file included", .enabled(if: PythonPeer.isExpected))
    func peer() async throws {
        try await GoogleBench.run { bench in
            let path = FileManager.default.temporaryDirectory.appending(path: "credentials-\(UUID().uuidString).json")
                .path(percentEncoded: false)
            try bench.simulator.writeCredentials(to: path)
            defer { try? FileManager.default.removeItem(atPath: path) }
            let endpoint = String(bench.baseURL.dropLast("/calendar/v3".count))
            let input: JSON = [
                "credentials": .string(path), "endpoint": .string(endpoint), "event": SampleEvent.json(),
            ]
            let output = try await PythonPeer.run(Self.script, input: input)
            #expect(output["busy"] == [["start": "2026-03-10T16:00:00Z", "end": "2026-03-10T16:30:00Z"]])
            #expect(output["status"] == "confirmed")
            #expect(output["listed"] == ["meeting00001"])
            #expect(output["conflict"] == 409)
            #expect(output["guests"] == "sales@example.com")
        }
    }

    private static let script = #"""
        import json, sys
        from google.oauth2 import service_account
        from googleapiclient.discovery import build
        from googleapiclient.errors import HttpError
        given = json.load(sys.stdin)
        scopes = ["https://www.googleapis.com/auth/calendar"]
        credentials = service_account.Credentials.from_service_account_file(given["credentials"], scopes=scopes)
        def service(credentials):
            return build("calendar", "v3", credentials=credentials, static_discovery=True,
                         client_options={"api_endpoint": given["endpoint"] + "/calendar/v3/"})
        calendar = service(credentials)
        event = calendar.events().insert(calendarId="primary", sendUpdates="all", body=given["event"]).execute()
        try:
            calendar.events().insert(calendarId="primary", body=given["event"]).execute()
            conflict = 0
        except HttpError as failure:
            conflict = failure.status_code
        free = calendar.freebusy().query(body={
            "timeMin": "2026-03-10T00:00:00Z", "timeMax": "2026-03-11T00:00:00Z", "items": [{"id": "primary"}]}).execute()
        listed = calendar.events().list(calendarId="primary", singleEvents=True, orderBy="startTime").execute()
        invited = service(credentials.with_subject("sales@example.com")).events().insert(
            calendarId="primary", body={**given["event"], "id": "meeting00002",
                                        "attendees": [{"email": "maria@example.com"}]}).execute()
        json.dump({
            "status": event["status"], "conflict": conflict, "busy": free["calendars"]["primary"]["busy"],
            "listed": [item["id"] for item in listed["items"]], "guests": invited["creator"]["email"],
        }, sys.stdout)
        """#
}
