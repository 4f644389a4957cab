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
        delegatedSubjects: Set<String>? = nil, impersonate: String? = nil,
        _ body: (ConversationScene, CallServices, SimulatedGoogle) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test", level: .critical)
        var settings = SimulatedGoogle.Configuration()
        settings.delegatedSubjects = delegatedSubjects
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
}
