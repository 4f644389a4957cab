import FoundationEssentials
import Platform
import Providers

/// What a guest is sent when the calendar may not invite by itself: an e-mail with an iCalendar event (RFC 5545, RFC 6047),
/// and after that one for each change, which mail programs recognise by its UID and SEQUENCE.
struct MeetingNotice: Sendable {
    private let meeting: Meeting
    private let language: Language
    private let zone: Zone
    private let organizer: String?
    private let stamp: Date

    init(_ meeting: Meeting, _ services: CallServices, language: Language, zone: Zone) {
        self.init(meeting, language: language, zone: zone, organizer: services.settings.senderEmail)
    }

    /// - Parameters:
    ///   - organizer: Who the mail comes from, and answers go to. Without one the event is for information alone.
    ///   - stamp: When this version of the event was made.
    init(_ meeting: Meeting, language: Language, zone: Zone, organizer: String?, stamp: Date = .now) {
        self.meeting = meeting
        self.language = language
        self.zone = zone
        self.organizer = organizer
        self.stamp = stamp
    }

    /// Nil without a guest to send it to.
    var email: Email? {
        guard let guest = meeting.guestEmail else { return nil }
        let words = words
        return Email(
            purpose: purpose, to: guest, recipientName: meeting.guestName.map(CallerSpeech.clean),
            subject: "\(words.subject): \(title)", text: "\(greeting)\n\n\(words.text)\n", calendar: calendar)
    }

    private enum Kind { case invitation, change, cancellation }

    private var kind: Kind {
        if meeting.status == .cancelled { return .cancellation }
        return meeting.sequence == 0 ? .invitation : .change
    }

    private var purpose: String {
        switch kind {
        case .invitation: "invitation:\(meeting.id)"
        case .change: "change:\(meeting.id):\(meeting.sequence)"
        case .cancellation: "cancellation:\(meeting.id)"
        }
    }

    private var title: String { CallerSpeech.clean(meeting.title) }

    private var greeting: String {
        let name = meeting.guestName.map(CallerSpeech.clean).flatMap { $0.isEmpty ? nil : " \($0)" } ?? ""
        return switch language {
        case .english: "Hello\(name),"
        case .spanish: "Hola\(name):"
        case .portuguese: "Olá\(name),"
        }
    }

    private var words: (subject: String, text: String) {
        let when =
            SpokenDates(language: language.rawValue, zone: zone, now: meeting.startsAt).say(meeting.startsAt)
            + " (\(zone.identifier))"
        return switch (kind, language) {
        case (.invitation, .english):
            (
                "Invitation",
                "your meeting \(title) is on \(when).\nThe attached invitation puts it into your calendar."
            )
        case (.invitation, .spanish):
            (
                "Invitación",
                "su reunión \(title) es el \(when).\nLa invitación adjunta la agrega a su calendario."
            )
        case (.invitation, .portuguese):
            ("Convite", "a sua reunião \(title) é \(when).\nO convite anexo a coloca no seu calendário.")
        case (.change, .english):
            (
                "New time",
                "your meeting \(title) has been moved: it is now on \(when).\nThe attachment changes it in your calendar."
            )
        case (.change, .spanish):
            (
                "Nuevo horario",
                "su reunión \(title) cambió de horario: ahora es el \(when).\nEl archivo adjunto la cambia en su calendario."
            )
        case (.change, .portuguese):
            (
                "Novo horário",
                "a sua reunião \(title) mudou de horário: agora é \(when).\nO anexo a altera no seu calendário."
            )
        case (.cancellation, .english):
            (
                "Cancelled",
                "your meeting \(title) on \(when) has been cancelled.\nThe attachment removes it from your calendar."
            )
        case (.cancellation, .spanish):
            (
                "Cancelada",
                "su reunión \(title) del \(when) fue cancelada.\nEl archivo adjunto la quita de su calendario."
            )
        case (.cancellation, .portuguese):
            (
                "Cancelada",
                "a sua reunião \(title) de \(when) foi cancelada.\nO anexo a remove do seu calendário."
            )
        }
    }

    /// RFC 5546: who requests or cancels is the organizer, to whom mail programs send the guest's answer.
    private var calendar: String {
        let organizer = organizer.flatMap { try? MailAddress($0) }
        let method: CalendarObject.Method =
            kind == .cancellation ? .cancel : organizer == nil ? .publish : .request
        var object = CalendarObject(
            method, uid: "\(meeting.eventKey)@operadora", stamp: stamp, startsAt: meeting.startsAt,
            endsAt: meeting.endsAt, summary: title)
        object.sequence = meeting.sequence
        object.organizer = organizer
        if method != .publish { object.guest = meeting.guestEmail.flatMap { try? MailAddress($0) } }
        return object.text
    }
}
