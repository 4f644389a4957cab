import FoundationEssentials
import Platform
import Providers

/// What a guest is sent when the calendar may not invite by itself: an e-mail with an iCalendar event.
struct Invitation: Sendable {
    private let meeting: Meeting
    private let language: Language
    private let zone: Zone

    init(_ meeting: Meeting, language: Language, zone: Zone) {
        self.meeting = meeting
        self.language = language
        self.zone = zone
    }

    /// Nil without a guest to send it to.
    var email: Email? {
        guard let guest = meeting.guestEmail else { return nil }
        let when = SpokenDates(language: language.rawValue, zone: zone, now: meeting.startsAt).say(meeting.startsAt)
        let name = meeting.guestName ?? ""
        let (subject, text) =
            switch language {
            case .english:
                (
                    "Invitation: \(meeting.title)",
                    "Hello \(name),\n\nyour meeting \(meeting.title) is on \(when) (\(zone.identifier)).\nThe attached "
                        + "invitation puts it into your calendar.\n"
                )
            case .spanish:
                (
                    "Invitación: \(meeting.title)",
                    "Hola \(name):\n\nsu reunión \(meeting.title) es el \(when) (\(zone.identifier)).\nLa invitación adjunta la "
                        + "agrega a su calendario.\n"
                )
            case .portuguese:
                (
                    "Convite: \(meeting.title)",
                    "Olá \(name),\n\na sua reunião \(meeting.title) é \(when) (\(zone.identifier)).\nO convite anexo a coloca "
                        + "no seu calendário.\n"
                )
            }
        return Email(
            purpose: "invitation:\(meeting.id)", to: guest, recipientName: meeting.guestName, subject: subject,
            text: text,
            calendar: calendar)
    }

    /// Published, not requested: there is no organizer who could take an answer. A repeated e-mail has the same event.
    private var calendar: String {
        CalendarObject(
            .publish, uid: "\(meeting.eventKey)@operadora", stamp: meeting.startsAt, startsAt: meeting.startsAt,
            endsAt: meeting.endsAt, summary: CallerSpeech.clean(meeting.title)
        ).text
    }
}
