import FoundationEssentials
import HTTP
import Platform
import TestSupport
import Testing

@testable import Simulators

@Suite struct GoogleChangeTests {
    private static let path = "/calendars/primary/events/meeting00001"
    private static let later: JSON = [
        "start": ["dateTime": "2026-03-10T12:00:00-06:00", "timeZone": "America/Mexico_City"],
        "end": ["dateTime": "2026-03-10T12:30:00-06:00", "timeZone": "America/Mexico_City"],
    ]

    /// With one event that somebody who may invite has inserted, with a guest.
    private func withEvent(_ body: (GoogleBench, _ token: String, _ event: JSON) async throws -> Void) async throws {
        try await GoogleBench.run { bench in
            let token = try await bench.token(for: "sales@example.com")
            let event = SampleEvent.json([
                "attendees": [["email": "maria@example.com"]], "description": "Notes",
                "extendedProperties": ["private": ["a": "1", "b": "2"]],
            ])
            let inserted = try await bench.send(.post, "/calendars/primary/events", token: token, event)
            try await body(bench, token, try inserted.json())
        }
    }

    @Test("PATCH changes what it names and leaves the rest: objects are merged, null takes away")
    func patch() async throws {
        try await withEvent { bench, token, before in
            let change = Self.later.merging([
                "description": .null, "extendedProperties": ["private": ["b": "3"]],
            ])
            let answer = try await bench.send(.patch, Self.path + "?sendUpdates=all", token: token, change)
            #expect(answer.status == 200)
            let after = try answer.json()
            for field in ["id", "summary", "attendees", "htmlLink", "created", "iCalUID", "reminders", "status"] {
                #expect(after[field] == before[field], "\(field)")
            }
            #expect(after["description"] == nil)
            #expect(after["extendedProperties"] == ["private": ["a": "1", "b": "3"]])
            #expect(after["sequence"] == 1)
            #expect(after["etag"] != before["etag"])
            let event = try #require(bench.simulator.events().first)
            #expect(event.start == Timestamp.parse("2026-03-10T18:00:00Z")?.date())
            #expect(event.sendUpdates == "all")
            #expect(event.attendees == ["maria@example.com"])
        }
    }

    @Test("PUT replaces the whole: what it does not name is gone, and start and end must be there")
    func put() async throws {
        try await withEvent { bench, token, before in
            let refused = try await bench.send(.put, Self.path, token: token, ["summary": "New"])
            #expect(refused.status == 400)
            let whole = Self.later.merging(["summary": "New"])
            let after = try await bench.send(.put, Self.path, token: token, whole).json()
            #expect(after["summary"] == "New")
            #expect(after["description"] == nil && after["attendees"] == nil && after["extendedProperties"] == nil)
            #expect(after["id"] == before["id"] && after["created"] == before["created"])
            #expect(bench.simulator.events().map(\.attendees) == [[]])
        }
    }

    struct Mistake: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var change: JSON = [:]
        var query = ""
        var reason: String
    }

    static let mistakes: [Mistake] = [
        Mistake(
            testDescription: "end before start", change: ["end": ["dateTime": "2026-03-10T09:00:00-06:00"]],
            reason: "timeRangeEmpty"),
        Mistake(testDescription: "another id", change: ["id": "meeting00002"], reason: "invalid"),
        Mistake(testDescription: "unknown field", change: ["sumary": "x"], reason: "badRequest"),
        Mistake(testDescription: "no time", change: ["start": ["dateTime": "tomorrow"]], reason: "invalid"),
        Mistake(testDescription: "unknown sendUpdates", query: "?sendUpdates=everybody", reason: "invalidParameter"),
        Mistake(testDescription: "unknown parameter", query: "?colour=1", reason: "badRequest"),
    ]

    @Test("A change that Google would refuse is refused, and changes nothing", arguments: mistakes)
    func refused(_ mistake: Mistake) async throws {
        try await withEvent { bench, token, before in
            let answer = try await bench.send(.patch, Self.path + mistake.query, token: token, mistake.change)
            #expect(answer.status == 400)
            #expect(try answer.json()["error"]?["errors"]?[0]?["reason"]?.string == mistake.reason)
            #expect(bench.simulator.events().first?.json == before)
        }
    }

    @Test("Who acts for nobody may not write guests, and who may only read may not change")
    func rights() async throws {
        try await withEvent { bench, _, before in
            let alone = try await bench.token()
            let guests: JSON = ["attendees": [["email": "eva@example.com"]]]
            let refused = try await bench.send(.patch, Self.path, token: alone, guests)
            #expect(try refused.json()["error"]?["errors"]?[0]?["reason"] == "forbiddenForServiceAccounts")
            let reader = try await bench.token(scope: "calendar.readonly")
            for method in [HTTPClientRequest.Method.patch, .put, .delete] {
                #expect(try await bench.send(method, Self.path, token: reader, Self.later).status == 403)
            }
            #expect(try await bench.send(.patch, Self.path + "9", token: alone, Self.later).status == 404)
            #expect(try await bench.send(.delete, Self.path + "9", token: alone).status == 404)
            #expect(bench.simulator.events().first?.json == before)
        }
    }

    @Test("If-Match lets only the version change that it names")
    func conditional() async throws {
        try await withEvent { bench, token, before in
            let etag = before["etag"]?.string ?? ""
            for method in [HTTPClientRequest.Method.patch, .put, .delete] {
                let answer = try await bench.send(
                    method, Self.path, token: token, method == .delete ? nil : Self.later,
                    headers: ["If-Match": "\"x\""])
                #expect(answer.status == 412)
                #expect(try answer.json()["error"]?["errors"]?[0]?["reason"] == "conditionNotMet")
            }
            let moved = try await bench.send(.patch, Self.path, token: token, Self.later, headers: ["If-Match": etag])
            #expect(moved.status == 200)
            #expect(try await bench.send(.delete, Self.path, token: token, headers: ["If-Match": etag]).status == 412)
        }
    }

    @Test("A deleted event stays deleted when it is patched, unless its status says otherwise")
    func restored() async throws {
        try await withEvent { bench, token, _ in
            #expect(try await bench.send(.delete, Self.path + "?sendUpdates=all", token: token).status == 204)
            #expect(bench.simulator.events().map(\.sendUpdates) == ["all"])
            let patched = try await bench.send(.patch, Self.path, token: token, Self.later)
            #expect(try patched.json()["status"] == "cancelled")
            #expect(bench.simulator.events().map(\.isCancelled) == [true])
            let restored = try await bench.send(.patch, Self.path, token: token, ["status": "confirmed"])
            #expect(try restored.json()["status"] == "confirmed")
            #expect(bench.simulator.events().map(\.isCancelled) == [false])
        }
    }

    @Test("Google's own client moves, replaces and deletes", .enabled(if: PythonPeer.isExpected))
    func peer() async throws {
        try await GoogleBench.run { bench in
            let input: JSON = [
                "credentials": bench.simulator.credentials, "event": SampleEvent.json(), "later": Self.later,
                "endpoint": .string(bench.baseURL + "/"),
            ]
            let output = try await PythonPeer.run(Self.script, input: input)
            #expect(output["moved"] == "2026-03-10T18:00:00Z")
            #expect(output["summary"] == SampleEvent.json()["summary"])
            #expect(output["replaced"] == .null)
            #expect(output["status"] == "cancelled")
            #expect(output["again"] == 410)
        }
    }

    private static let script = #"""
        import datetime, json, sys
        from google.oauth2 import service_account
        from googleapiclient.discovery import build
        from googleapiclient.errors import HttpError
        given = json.load(sys.stdin)
        credentials = service_account.Credentials.from_service_account_info(
            given["credentials"], scopes=["https://www.googleapis.com/auth/calendar"])
        events = build("calendar", "v3", credentials=credentials, static_discovery=True,
                       client_options={"api_endpoint": given["endpoint"]}).events()
        event = events.insert(calendarId="primary", body=given["event"]).execute()
        which = {"calendarId": "primary", "eventId": event["id"]}
        moved = events.patch(**which, sendUpdates="all", body=given["later"]).execute()
        replaced = events.update(**which, body=given["later"]).execute()
        events.delete(**which, sendUpdates="all").execute()
        try:
            events.delete(**which).execute()
            again = 0
        except HttpError as failure:
            again = failure.status_code
        start = datetime.datetime.fromisoformat(moved["start"]["dateTime"]).astimezone(datetime.timezone.utc)
        json.dump({
            "moved": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "summary": moved["summary"], "again": again,
            "replaced": replaced.get("summary"), "status": events.get(**which).execute()["status"],
        }, sys.stdout)
        """#
}
