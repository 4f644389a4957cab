import FoundationEssentials
import Jobs
import Platform
import Postgres

/// Mails a guest the day before a meeting, if the meeting still stands then. A calendar reminds only its own user.
struct RemindGuestHandler: Sendable {
    private struct Meeting: Sendable {
        var title: String
        var guestName: String?
        var guestEmail: String
        var startsAt: Date
        var link: String?
        var language: String
        var zone: Zone
        var sequence: Int
        /// By the database's clock.
        var untilStart: Duration
    }

    private let services: CallServices
    private static let before: Duration = .seconds(86_400)

    init(_ services: CallServices) { self.services = services }

    func handle(_ job: RemindGuest, context: JobContext) async throws -> JobOutcome {
        guard let mailer = services.mailer else {
            return .failed(reason: "no mail server is configured; set SMTP_SERVER")
        }
        guard let meeting = try await meeting(job.meetingID) else {
            return .cancelled(reason: "meeting \(job.meetingID) is not confirmed any more, or has no guest")
        }
        // One that was moved has a reminder of its own; jobs of earlier versions do not know.
        if let sequence = job.sequence, sequence != meeting.sequence {
            return .cancelled(reason: "meeting \(job.meetingID) was moved")
        }
        guard meeting.untilStart > .zero else { return .cancelled(reason: "the meeting has begun") }
        // Somebody moved it to a later day in the table.
        let early = meeting.untilStart - Self.before
        if early > .seconds(600) { return .snoozed(early) }
        try await mailer.send(email(meeting, job.name), logger: services.logger)
        return .completed()
    }

    private func meeting(_ id: Int64) async throws -> Meeting? {
        let rows = try await services.postgres.query(
            """
            SELECT title, guest_name, guest_email, starts_at, calendar_link, sequence,
                coalesce(calls.language, \(services.settings.defaultLanguage)),
                coalesce(calls.timezone, \(services.settings.businessTimezone)),
                extract(epoch FROM starts_at - clock_timestamp())::float8
            FROM meetings LEFT JOIN calls ON calls.id = call_id
            WHERE meetings.id = \(id) AND meetings.status = 'confirmed' AND guest_email IS NOT NULL
            """)
        guard let row = rows.first else { return nil }
        let (title, name, email, start, link, sequence, language, timezone, untilStart) = try row.decode(
            String.self, String?.self, String.self, Date.self, String?.self, Int.self, String.self, String.self,
            Double.self)
        return Meeting(
            title: CallerSpeech.clean(title), guestName: name.map(CallerSpeech.clean), guestEmail: email,
            startsAt: start, link: link, language: language, zone: Zone(identifier: timezone) ?? .utc,
            sequence: sequence, untilStart: .seconds(untilStart))
    }

    private func email(_ meeting: Meeting, _ purpose: String) -> Email {
        let words = Words.in(meeting.language)
        let time = SpokenDates(language: meeting.language, zone: meeting.zone, now: meeting.startsAt)
            .say(meeting.startsAt)
        let lines = [
            meeting.guestName.map { "\(words.greeting) \($0)," } ?? "\(words.greeting),", "",
            "\(words.reminder) \(meeting.title), \(time) (\(meeting.zone.identifier)).",
        ]
        return Email(
            purpose: purpose, to: meeting.guestEmail, recipientName: meeting.guestName,
            subject: "\(words.subject): \(meeting.title)", text: (lines + linkLines(meeting)).joined(separator: "\n"))
    }

    private func linkLines(_ meeting: Meeting) -> [String] { meeting.link.map { ["", $0] } ?? [] }

    private struct Words {
        var subject: String, greeting: String, reminder: String

        static func `in`(_ language: String) -> Words {
            switch language {
            case "es": Words(subject: "Recordatorio", greeting: "Hola", reminder: "Le recordamos su reunión:")
            case "pt": Words(subject: "Lembrete", greeting: "Olá", reminder: "Lembramos a sua reunião:")
            default: Words(subject: "Reminder", greeting: "Hello", reminder: "This is a reminder of your meeting:")
            }
        }
    }
}
