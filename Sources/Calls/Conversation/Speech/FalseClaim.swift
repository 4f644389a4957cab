/// What a reply says of the caller's meetings that is not so: it is not spoken.
enum FalseClaim: String, Sendable, Hashable {
    case booked, moved, cancelled, invited

    /// Nil when the reply may be spoken.
    ///
    /// - Parameter invitation: How guests are invited here.
    init?(in reply: String, after changes: CommittedChanges, _ state: TurnState, _ invitation: GuestInvitation) {
        if !changes.leaveMeeting(of: state), BookingClaim.isMade(in: reply) {
            self = .booked
        } else if !changes.haveMoved(in: state), BookingClaim.isMade(Self.moves, in: reply) {
            self = .moved
        } else if !changes.haveCancelled(in: state), BookingClaim.isMade(Self.cancellations, in: reply) {
            self = .cancelled
        } else if invitation == .none, BookingClaim.isMade(Self.invitations, in: reply, unless: Self.denials) {
            self = .invited
        } else {
            return nil
        }
    }

    /// What the model is told of it.
    var correction: String {
        switch self {
        case .booked:
            "Your last answer was not spoken: it says that a meeting is booked, and none is. Book it with your tool if everything "
                + "is agreed, or answer again without saying so."
        case .moved, .cancelled:
            "Your last answer was not spoken: it says that a meeting was \(rawValue), and none was. Do it with your tool if it is "
                + "what the caller wants, or answer again without saying so."
        case .invited:
            "Your last answer was not spoken: it says that an invitation is sent, and none is. Answer again without saying so."
        }
    }

    /// What is said instead when it insists.
    var phrase: Phrase {
        switch self {
        case .booked: .nothingBookedYet
        case .moved, .cancelled: .nothingChangedYet
        case .invited: .noInvitation
        }
    }

    static let moves = [WordPattern](
        lines: """
            i|we|ive|weve ?have ?just ?now ?already ?successfully moved|rescheduled|changed it|your|the|our meeting|appointment|demo|to|for
            i|we|ive|weve ?have ?just ?now ?already ?successfully rescheduled
            meeting|appointment|demo|its|it ?is|has|was ?now ?been moved|rescheduled
            he|hemos|ha|han|queda|quedo|fue|esta|ya ?ya ?sido|quedado reagendad*|reprogramad*
            reagende|reprograme|reagendamos|reprogramamos su|tu|la
            le|te|se ?la reagende|reprograme|reagendamos|reprogramamos
            cambie|movi|cambiamos|movimos su|tu|la reunion|cita|demo
            remarquei|reagendei|remarcamos|reagendamos
            foi|esta|ficou|ja ?esta|foi remarcad*|reagendad*
            reuniao|reunion|cita remarcada|reagendada|reprogramada
            """)

    static let cancellations = [WordPattern](
        lines: """
            i|we|ive|weve ?have ?just ?now ?already ?successfully cancelled|canceled
            is|has|was|its ?now ?already ?been cancelled|canceled
            meeting|appointment|demo|booking ?now cancelled|canceled
            he|hemos|ha|han|queda|quedo|fue|esta|ya ?ya ?sido|quedado|esta cancelad*
            cancele|cancelamos su|tu|la reunion|cita|demo
            le|te|se|ya la|le|te cancele|cancelamos
            foi|esta|ficou|fica|ja ?esta|foi|ficou cancelad*
            cancelei|cancelamos
            reunion|cita|reuniao cancelada
            """)

    /// Where nobody is invited a promise is as false as a claim: only what is denied may be said.
    private static let invitations = [WordPattern](
        lines: """
            sent|sending|send|emailed|mailed ?you|out|over ?you|a|an|the|your ?calendar|email|meeting invite|invitation
            receive|get|got|have ?a|an|the|your ?calendar|email|meeting invite|invitation
            invite|invitation is|has|was|will|should ?now ?already ?be|been ?on|in|sent
            invite|invitation goes|went|comes|arrives
            envie|enviamos|envio|enviare|enviaremos|enviar|mande|mandamos|mando|mandare|mandar ?le|te ?la|una|su|tu invitacion
            enviado|mandado|llega|llegara|recibira|recibiras|recibe ?la|una|su|tu invitacion
            invitacion ya|le|te|se|va|llega|llegara|fue|esta|sera|ha
            enviei|enviamos|envio|enviarei|enviar|mandei|mandamos|mando|mandar ?lhe|te ?o|um|a|seu convite
            enviado|recebera|receber|recebe|chega ?o|um|seu convite
            convite ja|foi|vai|segue|chega|chegara|esta|sera
            """)

    private static let denials = [WordPattern](
        lines: """
            not|isnt|wasnt|hasnt|havent|cant|cannot|wont|didnt|dont|no|never|nor|if|nobody|without
            nunca|sin|tampoco|si|nadie
            nao|sem|nem|se|ninguem
            """)
}
