import Agents
import FoundationEssentials
import Platform
import Postgres

@testable import Calls

/// A call in which a meeting was booked on the Wednesday after this week, at ten in Mexico City.
struct BookedScene: Sendable {
    let scene: ConversationScene
    var services: CallServices { scene.services }
    var calendar: FakeCalendar { scene.calendar }

    /// - Parameter isInvitedByMail: The calendar could not invite the guest.
    init(isInvitedByMail: Bool = false, language: String = "en", _ model: ScriptedModel = Scripts.saying()) async throws
    {
        var options = ConversationScene.Options()
        options.hasMailer = true
        options.language = language
        options.configure = { $0.senderEmail = "sales@example.com" }
        scene = try await ConversationScene(model, options)
        if isInvitedByMail { scene.calendar.fail(.uninvited) }
        let booked = try await BookMeetingTool(meetings: tools()).execute([
            "datetime": .string(Self.wednesday("10:00")), "guest_email": "ana@example.com", "guest_name": "Ana Ruiz",
            "meeting_title": "Demo",
        ])
        guard booked.success else { throw NotBooked() }
    }

    struct NotBooked: Error {}

    /// That time, on the Wednesday after this week's.
    static func wednesday(_ time: String) -> String {
        let today = TurnFixtures.zone.civilTime(at: .now)
        let day = TurnFixtures.zone.date(of: today.startOfDay(adding: 9 - today.weekday))
        return TurnFixtures.zone.iso8601(day).prefix(11) + time + ":00-06:00"
    }

    static func instant(_ time: String) -> Date {
        if case .instant(let date) = MeetingTime(wednesday(time), zone: .utc) { date } else { .distantPast }
    }

    /// As a turn of that call finds them; nil is the call that booked.
    func tools(in call: Int64? = nil) async throws -> MeetingTools {
        guard let state = try await TurnRecords(services).load(call ?? scene.callID) else { throw NotBooked() }
        return MeetingTools(services: services, state: state)
    }

    func reschedule(
        to time: String, _ more: [String: JSON] = [:], in call: Int64? = nil
    ) async throws -> JSON {
        let arguments = more.merging(["datetime": .string(Self.wednesday(time))]) { $1 }
        return try await RescheduleMeetingTool(meetings: tools(in: call)).execute(.object(arguments)).value
    }

    func cancel(_ arguments: JSON = [:], in call: Int64? = nil) async throws -> JSON {
        try await CancelMeetingTool(meetings: tools(in: call)).execute(arguments).value
    }

    func meeting() async throws -> Meeting {
        guard let meeting = try await MeetingRecords(services).ofCall(scene.callID).first else { throw NotBooked() }
        return meeting
    }

    /// Another call with a number, with a lead of its own.
    func otherCall(phone: String) async throws -> Int64 {
        try await scene.value(
            """
            WITH lead AS (
                INSERT INTO leads (campaign_id, phone, language) SELECT id, \(phone), 'en' FROM campaigns
                ON CONFLICT DO NOTHING RETURNING id)
            INSERT INTO calls (direction, from_phone, to_phone, language, timezone, status, provider, provider_call_id,
                started_at)
            VALUES ('inbound', \(phone), '+15550001111', 'en', 'America/Mexico_City', 'in_progress', 'simulator',
                gen_random_uuid()::text, now())
            RETURNING id
            """)
    }

    /// The arguments of the jobs of that kind that wait, in the order of their enqueueing.
    func jobs(_ kind: String) async throws -> [JSON] {
        try await services.postgres.query("SELECT arguments FROM jobs WHERE kind = \(kind) ORDER BY id")
            .map { try $0.decode(JSON.self) }
    }
}
