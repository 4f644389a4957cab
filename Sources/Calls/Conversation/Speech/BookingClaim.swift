/// Whether a reply says that a meeting is booked. The agent says only what is committed: such a reply is not spoken while
/// the call has no confirmed meeting.
///
/// Judged clause by clause in all three languages. Better one claim too many seen than one spoken: a false alarm costs
/// another round with the model, a false claim costs a caller's trust.
enum BookingClaim {
    static func isMade(in reply: String) -> Bool {
        isMade(claims, in: reply)
    }

    /// - Parameter doubts: What makes the words behind it no claim.
    static func isMade(_ claims: [WordPattern], in reply: String, unless doubts: [WordPattern] = doubts) -> Bool {
        FoldedSentence.clauses(of: reply).contains { clause in
            guard !clause.isQuestion, !ofOthers.areIn(clause) else { return false }
            guard let claim = claims.firstIndex(in: clause) else { return false }
            // A doubt counts when it stands before: "not booked", but not "booked, and if you need anything".
            return doubts.firstIndex(in: clause).map { $0 >= claim } ?? true
        }
    }

    private static let claims = [WordPattern](
        lines: """
            i|we|ive|weve ?have ?just ?now ?already ?successfully booked|scheduled|reserved|confirmed|arranged
            is|has|was|are|its|thats|youre|were ?now ?all ?been ?already ?successfully booked|scheduled|reserved|confirmed|arranged
            its|thats|youre|are|is|everythings ?now ?all set
            meeting|appointment|demo|booking|reservation ?now booked|scheduled|reserved|confirmed
            booked|scheduled|reserved ?it|you|your|the|that|a ?meeting|appointment|demo|slot ?in for|on|at
            got you booked|scheduled|down|in
            put|have you down
            sent|sending ?you|out ?a|an|the|your ?calendar invite|invitation
            invite|invitation is|has|was ?been ?on|sent
            he|hemos|ha|han ?quedado ?sido agendado|agendada|reservado|reservada|programado|programada|confirmado|confirmada
            agende|agendamos|reserve|reservamos|programe|programamos|aparte|apartamos su|tu|la|una|el|para
            le|te|se|les|lo|la ?lo|la agende|agendamos|agendo|reserve|reservamos|reservo|programe|programamos|programo|aparte|confirme
            queda|quedo|quedamos|quedaron|esta|estan|fue|sido|ya ?queda|quedo|esta|sido|todo agendad*|reservad*|programad*|confirmad*|apartad*
            reunion|cita|demo|llamada|reserva agendada|reservada|programada|confirmada
            agendado|agendada|reservado|reservada para|el
            ya ?le|te envie|mande|enviamos|mandamos ?la|una invitacion
            agendei|marquei|reservei|confirmei|agendamos|marcamos
            foi|esta|ficou|fica|ja|tudo ?esta|foi|ficou agendad*|marcad*|reservad*|confirmad*
            reuniao|demonstracao|reserva|horario agendad*|marcad*|reservad*|confirmad*
            agendado|agendada|marcado|marcada para|pra
            enviei ?o|um|a|seu convite
            """)

    /// They are denied, wished, conditional or still to come.
    static let doubts = [WordPattern](
        lines: """
            not|isnt|wasnt|hasnt|havent|arent|cant|cannot|couldnt|wont|didnt|dont|never|nothing|unable|nor
            no meeting|appointment|booking|slot|demo|one
            if|once|before|until|when|after|as|shall|should|would|could|can|may|might|let|lets|need|want|like|to
            will|ill|going
            no lo|la|le|te|se|me|nos|les|he|hemos|ha|han|fue|esta|estan|queda|quedo|pude|pudo|tengo|hay|agend*|reserv*
            no cancel*|reagend*|reprogram*|cambi*|mov*
            nada|nunca|todavia|aun|sin|si|cuando|antes|hasta|podria|puedo|podemos|quiere|quisiera|gustaria|voy|vamos|vez
            nao|ainda|se|quando|ate|posso|poderia|quer|gostaria|vou|depois|assim
            """)

    /// A slot that somebody else has.
    private static let ofOthers = [WordPattern](
        lines: """
            someone|somebody|another|other|else|taken|unavailable
            already booked by|then|during|between
            alguien|otra|otro|ocupad*|alguem|outra|outro
            """)
}
