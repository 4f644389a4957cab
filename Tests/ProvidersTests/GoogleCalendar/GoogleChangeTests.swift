import FoundationEssentials
import HTTP
import Platform
import Testing

@testable import Providers

@Suite struct GoogleChangeTests {
    private static let time = GoogleCalendarTests.start..<GoogleCalendarTests.start.addingTimeInterval(1_800)
    private static let stored: JSON = ["id": "op7k3meeting17", "status": "confirmed"]

    private func move(_ google: ScriptedGoogle) async throws -> GoogleStoredEvent {
        try await google.client().move("op7k3meeting17", to: Self.time, timezone: "America/Mexico_City")
    }

    @Test("A move is a PATCH of start and end alone, in the calendar's zone, and its guests are told")
    func request() async throws {
        try await withGoogle([.json(Self.stored)]) { google in
            _ = try await move(google)
            let request = try #require(google.requests.first)
            #expect(request.method == "PATCH")
            #expect(request.target.hasSuffix("/events/op7k3meeting17?sendUpdates=all"))
            let body = try request.json()
            #expect(body.object.map { Set($0.keys) } == ["start", "end"])
            #expect(body["start"]?["timeZone"] == "America/Mexico_City")
            #expect(body["start"]?["dateTime"]?.string.flatMap(GoogleTime.date) == Self.time.lowerBound)
            #expect(body["end"]?["dateTime"]?.string.flatMap(GoogleTime.date) == Self.time.upperBound)
        }
    }

    @Test(
        "A move whose answer proves nothing may have happened, and is not repeated blindly", arguments: [0, 500, 503])
    func maybe(status: Int) async throws {
        try await withGoogle([status == 0 ? .drop() : .google(status, "backendError")]) { google in
            let failure = await #expect(throws: GoogleCalendarError.self) { try await move(google) }
            #expect(failure?.code == .maybeHappened)
            #expect(google.requests.count == 1)
        }
    }

    @Test("A move that was certainly not made is repeated")
    func rateLimited() async throws {
        try await withGoogle([.google(403, "rateLimitExceeded"), .json(Self.stored)]) { google in
            let moved = try await move(google)
            #expect(moved.id == "op7k3meeting17")
            #expect(google.requests.count == 2)
        }
    }

    @Test("What is not there cannot be moved", arguments: [(404, GoogleCalendarError.Code.notFound), (410, .deleted)])
    func gone(status: Int, code: GoogleCalendarError.Code) async throws {
        try await withGoogle([.google(status, "x")]) { google in
            let failure = await #expect(throws: GoogleCalendarError.self) { try await move(google) }
            #expect(failure?.code == code)
        }
    }

    @Test("A deletion may be repeated: what is lost is sent again, and what is deleted already is deleted")
    func deletes() async throws {
        try await withGoogle([.drop(), .google(503, "backendError"), .google(410, "deleted")]) { google in
            try await google.client().delete("op7k3meeting17")
            #expect(google.requests.map(\.method) == ["DELETE", "DELETE", "DELETE"])
            #expect(google.requests.allSatisfy { $0.target.hasSuffix("?sendUpdates=all") })
        }
    }
}
