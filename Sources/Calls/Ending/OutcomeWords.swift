import FoundationEssentials
import Platform

/// What callers say when they want something, in English, Spanish and Portuguese: the outcome when the model is away.
enum OutcomeWords {
    static func classify(_ call: FinalCall) -> Classification {
        let spoken = call.turns.filter(\.isCaller).map(\.content)
        let outcome =
            call.facts.settledOutcome ?? wish(in: spoken) ?? (call.facts.agentEnded ? .completed : .hungUp)
        var classification = Classification(
            outcome: outcome, summary: CallSummary.text(outcome, call.language, lastWords: spoken.last))
        if outcome == .callbackRequested, let instant = callbackTime(spoken, call) {
            classification.extracted["callback_at"] = .string(call.zone.iso8601(instant))
        }
        return classification
    }

    /// The gravest wish decides: whoever is not interested and must not be called again, must not be called again.
    private static func wish(in spoken: [String]) -> CallOutcome? {
        if spoken.contains(where: DoNotCallWords.areIn) { return .doNotCall }
        let sentences = spoken.flatMap { FoldedSentence.sentences(of: $0) }
        return patterns.first { _, patterns in sentences.contains { patterns.areIn($0) } }?.0
    }

    /// The time named last, if any is a single instant.
    private static func callbackTime(_ spoken: [String], _ call: FinalCall) -> Date? {
        let dates = SpokenDates(language: call.language, zone: call.zone, now: call.endedAt)
        return spoken.reversed().lazy.compactMap { (try? dates.understand($0))?.instant(in: call.zone) }.first
    }

    private static let patterns: [(CallOutcome, [WordPattern])] = [
        (.voicemail, voicemail), (.wrongNumber, wrongNumber), (.callbackRequested, callback),
        (.notInterested, notInterested),
    ]

    private static let voicemail = [WordPattern](
        lines: """
            leave|record ?me ?us a|your ?name message
            after|at the tone|beep
            deje|deja ?nos su|un|tu mensaje
            despues de|del tono|senal
            buzon de voz
            deixe ?a|o ?sua|seu mensagem|recado
            apos o sinal|bip
            caixa postal
            """)

    private static let wrongNumber = [WordPattern](
        lines: """
            wrong number|person
            nobody|noone ?here by|with|of that name
            no one ?here by|with|of that name
            you have the wrong
            numero equivocado|incorrecto
            equivoc* ?de numero|telefono
            no conozco a esa|ese|ninguna|ningun
            aqui no vive
            numero errado
            ligou ?para|pro ?o ?numero errado
            foi engano
            e engano
            nao conheco essa|esse|ninguem
            """)

    private static let callback = [WordPattern](
        lines: """
            call|phone|ring ?me back
            call|phone|ring me later|tomorrow|next|on|in|after|another|again|at
            call ?me another|some other time
            llam*|marqu* ?me mas tarde
            llam* despues|luego|manana|otro|en
            me llam*|marqu* mas tarde|despues|luego|manana|otro|el|en
            llameme|llamame el|la|en|a|mas
            lig*|retorn* ?para|pra ?mim mais tarde
            lig*|retorn* depois|amanha|outro|outra|na|no|daqui
            me lig*|retorn* ?mais ?tarde
            """)

    private static let notInterested = [WordPattern](
        lines: """
            not|no|isnt|arent|wasnt ?really ?at ?all interest*
            dont|not want|need ?it|this|that|any|one|anything
            no thanks|thank
            no me|nos interesa*
            no estoy|estamos ?muy interesad*
            no gracias
            no lo|la necesito|quiero
            no quiero|necesito ?nada
            nao me|nos interess*
            nao tenho|temos interesse
            nao estou|estamos interessad*
            nao obrigad*
            nao quero|preciso
            """)
}
