import FoundationEssentials
import Platform

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

    /// RFC 5545: CRLF, lines of at most 75 bytes, the event's key as its UID so that a repeated e-mail is the same event.
    ///
    /// METHOD:PUBLISH, since there is no organizer who could take an answer.
    private var calendar: String {
        let lines = [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Operadora//EN", "METHOD:PUBLISH", "BEGIN:VEVENT",
            "UID:\(meeting.eventKey)@operadora", "DTSTAMP:\(stamp(meeting.startsAt))",
            "DTSTART:\(stamp(meeting.startsAt))",
            "DTEND:\(stamp(meeting.endsAt))", "SUMMARY:\(escaped(meeting.title))", "STATUS:CONFIRMED", "END:VEVENT",
            "END:VCALENDAR",
        ]
        return lines.map(folded).joined()
    }

    private func stamp(_ date: Date) -> String {
        let iso = Zone.utc.iso8601(date).prefix(19)
        return iso.filter { $0 != "-" && $0 != ":" } + "Z"
    }

    private func escaped(_ text: String) -> String {
        var result = ""
        for character in CallerSpeech.clean(text) {
            if "\\;,".contains(character) { result.append("\\") }
            result.append(character)
        }
        return result
    }

    /// A longer line goes on in the next one, which begins with a space; no character is cut in two.
    private func folded(_ line: String) -> String {
        var result = ""
        var width = 0
        for character in line {
            let size = String(character).utf8.count
            if width + size > 75 {
                result += "\r\n "
                width = 1
            }
            result.append(character)
            width += size
        }
        return result + "\r\n"
    }
}
