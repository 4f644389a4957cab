import Agents
import FoundationEssentials
import HTTP
import Platform
import Postgres
import Providers
import Simulators
import TestSupport
import Testing

@testable import Calls

@Suite("Booking in Google Calendar over the wire")
struct GoogleBookingTests {
    /// Runs `body` with a call whose calendar is a simulated Google.
    private func withGoogle(
        delegatedSubjects: Set<String>? = nil, impersonate: String? = nil, readOnlyCalendars: Set<String> = [],
        _ body: (ConversationScene, CallServices, SimulatedGoogle) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test", level: .critical)
        var settings = SimulatedGoogle.Configuration()
        settings.delegatedSubjects = delegatedSubjects
        settings.readOnlyCalendars = readOnlyCalendars
        let google = try SimulatedGoogle(configuration: settings, logger: logger)
        let http = HTTPClient(logger: logger)
        var configuration = GoogleCalendarClient.Configuration(calendarID: "primary")
        configuration.baseURL = try google.start()
        configuration.impersonate = impersonate
        configuration.baseDelay = .milliseconds(1)
        let account = try GoogleServiceAccount(parsing: google.credentials.data, file: "credentials.json")
        var options = ConversationScene.Options()
        options.hasMailer = true
        let scene = try await ConversationScene(Scripts.booking(), options)
        var services = scene.services
        services.calendar = GoogleCalendar(GoogleCalendarClient(configuration, account: account, client: http))
        do {
            try await body(scene, services, google)
        } catch {
            await google.stop()
            throw error
        }
        await google.stop()
        await http.shutDown()
    }

    private func turn(_ scene: ConversationScene, _ services: CallServices) async throws -> ConversationHandler.Reply {
        let job = ProcessConversation(callID: scene.callID, turn: 2, speech: "Tomorrow is fine", confidence: 0.9)
        return try await ConversationHandler(services).answer(job) { try await services.postgres.batch($1) }
    }

    private func expectOneMeeting(_ scene: ConversationScene, _ google: SimulatedGoogle) async throws {
        let events = google.events().filter { !$0.isCancelled }
        #expect(events.count == 1)
        #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
        #expect(try await scene.value("SELECT calendar_event_id FROM meetings") == events.first?.id)
        #expect(google.refusals.allSatisfy { [403, 404].contains($0.status) })
    }

    @Test("The event stands under the key of its reservation, and Google invites the guest")
    func books() async throws {
        try await withGoogle(delegatedSubjects: ["sales@example.com"], impersonate: "sales@example.com") {
            scene, services, google in
            _ = try await turn(scene, services)
            try await expectOneMeeting(scene, google)
            #expect(google.events().first?.attendees == ["ana@example.com"])
            #expect(google.events().first?.sendUpdates == "all")
            #expect(google.events().first?.summary == "Sales Meeting")
            let reminders: JSON = [
                "useDefault": false,
                "overrides": [["method": "email", "minutes": 1_440], ["method": "popup", "minutes": 10]],
            ]
            #expect(google.events().first?.json["reminders"] == reminders)
            #expect(try await scene.count("jobs", where: "kind = 'send_email'") == 0)
        }
    }

    @Test(
        "Whatever is lost on the way, there is one event and one meeting",
        arguments: [Fault.dropAfterEffect, .truncate, .dropBeforeEffect, .serverError, .rateLimit])
    func survives(_ fault: Fault) async throws {
        try await withGoogle(delegatedSubjects: ["sales@example.com"], impersonate: "sales@example.com") {
            scene, services, google in
            google.faults.trigger(fault, on: .insertEvent)
            _ = try await turn(scene, services)
            #expect(google.faults.counts[fault] == 1)
            try await expectOneMeeting(scene, google)
        }
    }

    @Test("A service account that may invite nobody books without guests, and the guest gets the event by mail")
    func mails() async throws {
        try await withGoogle { scene, services, google in
            _ = try await turn(scene, services)
            try await expectOneMeeting(scene, google)
            #expect(google.events().first?.attendees == [])
            let email: JSON = try await scene.value("SELECT arguments FROM jobs WHERE kind = 'send_email'")
            #expect(email["email"]?["calendar"]?.string?.contains("BEGIN:VEVENT") == true)
        }
    }

    @Test("A calendar that may be read and not written books nothing: the time is free again, and others are offered")
    func readOnly() async throws {
        try await withGoogle(readOnlyCalendars: ["primary"]) { scene, services, google in
            guard case .committed(let answer) = try await turn(scene, services) else {
                throw ConversationScene.UnknownCall()
            }
            #expect(answer.say == "Not booked: refused")
            #expect(Set(google.refusals.map(\.reason)) == ["requiredAccessLevel"])
            #expect(google.events().isEmpty)
            #expect(try await scene.value("SELECT status FROM meetings") == "failed")
            let call: JSON = try await scene.value(
                "SELECT to_jsonb(tool_calls) FROM tool_calls WHERE name = 'book_meeting'")
            #expect(call["result"]?["available_slots"]?.array?.count == 3)
            #expect(call["result"]?.text.contains("access") == false, "no reason of Google's")
            let again = try await CheckAvailabilityTool(meetings: tools(scene, services))
                .execute(["preferred_date": "tomorrow"])
            #expect(again.value["available_slots"]?[0]?["datetime"] == call["arguments"]?["datetime"])
        }
    }

    // MARK: changes

    private func tools(_ scene: ConversationScene, _ services: CallServices) async throws -> MeetingTools {
        let state = try #require(try await TurnRecords(services).load(scene.callID))
        return MeetingTools(services: services, state: state)
    }

    /// An hour later than the meeting stands.
    private func later(_ scene: ConversationScene) async throws -> JSON {
        let start: Date = try await scene.value("SELECT starts_at + interval '1 h' FROM meetings")
        return ["datetime": .string(TurnFixtures.zone.iso8601(start))]
    }

    private static let changeFaults: [Fault] = [
        .dropAfterEffect, .truncate, .dropBeforeEffect, .serverError, .rateLimit,
    ]

    @Test(
        "A meeting is moved by a PATCH that tells the guests and leaves all else as it was, and cancelled by a DELETE")
    func changes() async throws {
        try await withGoogle(delegatedSubjects: ["sales@example.com"], impersonate: "sales@example.com") {
            scene, services, google in
            _ = try await turn(scene, services)
            let before = try #require(google.events().first)
            let moved = try await RescheduleMeetingTool(meetings: tools(scene, services)).execute(later(scene))
            #expect(moved.success)
            let after = try #require(google.events().first)
            #expect(after.id == before.id)
            #expect(after.start == before.start.addingTimeInterval(3_600))
            #expect(after.end == before.end.addingTimeInterval(3_600))
            #expect(after.attendees == ["ana@example.com"])
            #expect(after.sendUpdates == "all")
            for field in ["summary", "description", "reminders", "extendedProperties", "htmlLink"] {
                #expect(after.json[field] == before.json[field], "\(field)")
            }
            #expect(try await CancelMeetingTool(meetings: tools(scene, services)).execute([:]).success)
            let gone = try #require(google.events().first)
            #expect(gone.isCancelled)
            #expect(gone.sendUpdates == "all")
            #expect(try await scene.count("jobs", where: "kind = 'send_email'") == 0)
            #expect(google.refusals.isEmpty)
        }
    }

    @Test("Whatever is lost on the way, it is moved once", arguments: changeFaults)
    func survivesMoving(_ fault: Fault) async throws {
        try await withGoogle(delegatedSubjects: ["sales@example.com"], impersonate: "sales@example.com") {
            scene, services, google in
            _ = try await turn(scene, services)
            google.faults.trigger(fault, on: .patchEvent)
            #expect(try await RescheduleMeetingTool(meetings: tools(scene, services)).execute(later(scene)).success)
            #expect(google.faults.counts[fault] == 1)
            try await expectOneMeeting(scene, google)
            #expect(google.events().first?.json["sequence"] == 1)
            #expect(try await scene.value("SELECT starts_at FROM meetings") == google.events().first?.start)
        }
    }

    @Test("Whatever is lost on the way, it is cancelled", arguments: changeFaults)
    func survivesCancelling(_ fault: Fault) async throws {
        try await withGoogle(delegatedSubjects: ["sales@example.com"], impersonate: "sales@example.com") {
            scene, services, google in
            _ = try await turn(scene, services)
            google.faults.trigger(fault, on: .deleteEvent)
            #expect(try await CancelMeetingTool(meetings: tools(scene, services)).execute([:]).success)
            #expect(google.faults.counts[fault] == 1)
            #expect(google.events().map(\.isCancelled) == [true])
            #expect(try await scene.count("meetings", where: "status = 'cancelled'") == 1)
        }
    }

    @Test("A service account that may invite nobody changes meetings too, and mails the changes")
    func mailsChanges() async throws {
        try await withGoogle { scene, services, google in
            _ = try await turn(scene, services)
            #expect(try await RescheduleMeetingTool(meetings: tools(scene, services)).execute(later(scene)).success)
            #expect(try await CancelMeetingTool(meetings: tools(scene, services)).execute([:]).success)
            #expect(google.events().map(\.isCancelled) == [true])
            #expect(try await scene.count("jobs", where: "kind = 'send_email'") == 3)
        }
    }

    @Test("An event that was deleted in Google is not moved, although Google would change it")
    func deletedInGoogle() async throws {
        try await withGoogle(delegatedSubjects: ["sales@example.com"], impersonate: "sales@example.com") {
            scene, services, google in
            _ = try await turn(scene, services)
            let key: String = try await scene.value("SELECT calendar_event_id FROM meetings")
            try await services.calendar.cancel(key)
            let moved = try await RescheduleMeetingTool(meetings: tools(scene, services)).execute(later(scene))
            #expect(moved.value["reason"] == "no_meeting")
            #expect(try await scene.count("meetings", where: "status = 'cancelled'") == 1)
        }
    }

    @Test("A calendar that is not shared any more is not taken for one without the event")
    func unshared() async throws {
        try await withGoogle(delegatedSubjects: ["sales@example.com"], impersonate: "sales@example.com") {
            scene, services, google in
            _ = try await turn(scene, services)
            let logger = Logger(label: "test", level: .critical)
            let http = HTTPClient(logger: logger)
            let account = try GoogleServiceAccount(parsing: google.credentials.data, file: "credentials.json")
            var configuration = GoogleCalendarClient.Configuration(calendarID: "unshared@example.com")
            configuration.impersonate = "sales@example.com"
            configuration.baseURL = try #require(google.credentials["token_uri"]?.string)
                .replacing("/token", with: "/calendar/v3")
            var blind = services
            blind.calendar = GoogleCalendar(
                GoogleCalendarClient(configuration, account: account, client: http))
            let state = try await tools(scene, services).state
            let changer = MeetingTools(services: blind, state: state).changer
            let meeting = try #require(try await MeetingRecords(services).ofCall(scene.callID).first)
            guard case .unknown = try await changer.move(meeting, to: meeting.endsAt..<meeting.endsAt + 1_800) else {
                return #expect(Bool(false), "the move is not uncertain")
            }
            guard case .unknown = try await changer.cancel(meeting, reason: "test") else {
                return #expect(Bool(false), "the cancellation is not uncertain")
            }
            await #expect(throws: (any Error).self) { try await blind.calendar.event(meeting.eventKey) }
            #expect(try await scene.count("meetings", where: "status = 'confirmed'") == 1)
            #expect(google.events().map(\.isCancelled) == [false])
            await http.shutDown()
        }
    }

    @Test(
        "A calendar that may not be read is never free: the model is told to offer a call back, and not why",
        arguments: ["credentials", "calendar", "permission"])
    func troubleshooting(_ trouble: String) async throws {
        let logger = Logger(label: "test", level: .critical)
        var simulated = SimulatedGoogle.Configuration()
        simulated.delegatedSubjects = ["sales@example.com"]
        let google = try SimulatedGoogle(configuration: simulated, logger: logger)
        let http = HTTPClient(logger: logger)
        let id = trouble == "calendar" ? "nobody@example.com" : "primary"
        var configuration = GoogleCalendarClient.Configuration(calendarID: id)
        configuration.baseURL = try google.start()
        // Nobody whom the account may act for.
        if trouble == "permission" { configuration.impersonate = "boss@example.org" }
        var credentials = google.credentials.object ?? [:]
        if trouble == "credentials" { credentials["client_email"] = "somebody@example.iam.gserviceaccount.com" }
        let account = try GoogleServiceAccount(parsing: JSON.object(credentials).data, file: "credentials.json")
        let client = GoogleCalendarClient(configuration, account: account, client: http)
        // It says all that it is told.
        let scene = try await ConversationScene(
            ScriptedModel { request, _ in
                guard let result = Scripts.results(in: request).last else {
                    return .calling(CheckAvailabilityTool.name, #"{"preferred_date":"tomorrow"}"#)
                }
                return ModelResponse(text: result.text)
            })
        var services = scene.services
        services.calendar = GoogleCalendar(client)
        guard case .committed(let answer) = try await turn(scene, services) else {
            throw ConversationScene.UnknownCall()
        }
        let told = try JSON(parsing: answer.say)
        #expect(told["success"] == false && told["available_slots"] == nil)
        let words = "the calendar cannot be looked at just now: offer that somebody calls back with a time"
        #expect(told["error"]?.string == words)
        #expect(try await scene.count("meetings") == 0)
        await google.stop()
        await http.shutDown()
    }
}
