import FoundationEssentials
import Platform

/// What callers say when they want something, in the three languages; compared in lower case without accents.
enum OutcomeWords {
    /// In the order in which they win: the gravest wish first.
    private static let phrases: [(CallOutcome, [String])] = [
        (
            .doNotCall,
            [
                "never call", "stop calling", "don't call me again", "do not call me again", "don't call again",
                "do not call again", "take me off", "remove me from", "remove my number", "not call me any more",
                "no me llame mas", "no me llamen mas", "no me vuelva a llamar", "no me vuelvan a llamar",
                "no vuelva a llamar", "no vuelvan a llamar", "dejen de llamar", "deje de llamar", "borre mi numero",
                "borren mi numero", "quiteme de", "quitenme de", "nao me ligue mais", "nao me liguem mais",
                "nao ligue mais", "pare de ligar", "parem de ligar", "tire meu numero", "remova meu numero",
            ]
        ),
        (
            .wrongNumber,
            [
                "wrong number", "wrong person", "nobody by that name", "no one by that name",
                "numero equivocado", "se equivoco de numero", "esta equivocado de numero", "no conozco a esa persona",
                "aqui no vive", "numero errado", "ligou errado", "foi engano", "e engano", "nao conheco essa pessoa",
            ]
        ),
        (
            .voicemail,
            [
                "leave a message", "leave your message", "after the tone", "after the beep", "deje su mensaje",
                "deje un mensaje", "despues del tono", "buzon de voz", "deixe sua mensagem", "deixe seu recado",
                "apos o sinal", "caixa postal",
            ]
        ),
        (
            .notInterested,
            [
                "not interested", "no interest", "no thanks", "no thank you", "don't want", "do not want", "don't need",
                "no me interesa", "no estoy interesad", "no gracias", "no, gracias", "no quiero", "no lo necesito",
                "nao tenho interesse", "nao me interessa", "nao estou interessad", "nao obrigad", "nao, obrigad",
                "nao quero", "nao preciso", "no, thank",
            ]
        ),
        (
            .callbackRequested,
            [
                "call me back", "call back", "call me later", "call me tomorrow", "call me next", "call again",
                "call me on",
                "llameme mas tarde", "llamame mas tarde", "llameme manana", "llamame manana", "llame mas tarde",
                "vuelva a llamar", "llameme despues", "llamame despues", "llameme el", "llamame el",
                "me llame mas tarde",
                "me ligue mais tarde", "ligue mais tarde", "me liga depois", "me ligue depois", "me ligue amanha",
                "ligue amanha", "me liga amanha", "me retorne", "ligue na", "ligue no",
            ]
        ),
    ]

    static func classify(_ call: FinalCall) -> Classification {
        let spoken = call.turns.filter(\.isCaller).map(\.content)
        let outcome =
            call.facts.settledOutcome ?? phrases.first { _, phrases in spoken.contains { says($0, phrases) } }?.0
            ?? (call.facts.agentEnded ? .completed : .hungUp)
        var classification = Classification(
            outcome: outcome, summary: CallSummary.text(outcome, call.language, lastWords: spoken.last))
        if outcome == .callbackRequested, let instant = callbackTime(spoken, call) {
            classification.extracted["callback_at"] = .string(call.zone.iso8601(instant))
        }
        return classification
    }

    /// The time named last, if any is a single instant.
    private static func callbackTime(_ spoken: [String], _ call: FinalCall) -> Date? {
        let dates = SpokenDates(language: call.language, zone: call.zone, now: call.endedAt)
        return spoken.reversed().lazy.compactMap { (try? dates.understand($0))?.instant(in: call.zone) }.first
    }

    private static func says(_ text: String, _ phrases: [String]) -> Bool {
        let folded = folded(text)
        return phrases.contains { folded.contains(" " + $0) }
    }

    /// Lower case, without accents, one space before every word.
    static func folded(_ text: String) -> String {
        var folded = " "
        for character in text.lowercased() {
            switch character {
            case _ where character.isWhitespace: if folded.last != " " { folded.append(" ") }
            case "’", "‘": folded.append("'")
            case ".", "!", "¡", "?", "¿", ";", ":": continue
            default: folded.append(accents[character] ?? character)
            }
        }
        return folded
    }

    private static let accents: [Character: Character] = [
        "á": "a", "à": "a", "â": "a", "ã": "a", "ä": "a", "é": "e", "è": "e", "ê": "e", "í": "i", "ì": "i", "ó": "o",
        "ò": "o", "ô": "o", "õ": "o", "ú": "u", "ù": "u", "ü": "u", "ñ": "n", "ç": "c",
    ]
}
