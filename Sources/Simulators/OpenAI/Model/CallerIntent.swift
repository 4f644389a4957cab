/// What a caller wants, as far as words tell. The strongest wish wins: "not interested, never call again" is the latter.
enum CallerIntent: Sendable, Hashable {
    case neverCallAgain, wrongNumber, callBackLater, notInterested, goodbye
    case yes, no, question
    case unclear
    /// Nothing was said, or nothing that could be heard.
    case inaudible

    init(_ text: String) {
        let words = SpokenWords(text)
        let phrases = Self.phrases.first { words.contain($0.phrases) }
        if words.isEmpty || words.contain(Self.noise) {
            self = .inaudible
        } else if let phrases {
            self = phrases.intent
        } else {
            self = text.contains("?") ? .question : .unclear
        }
    }

    /// What stands for words that were not understood.
    private static let noise: Phrases = ["inaudible", "unintelligible", "not understood", "no input", "silence"]

    private static let phrases: [(intent: CallerIntent, phrases: Phrases)] = [
        (
            .neverCallAgain,
            [
                "never call", "dont call", "do not call", "stop calling", "remove me", "remove my number",
                "take me off", "no me llame", "no me llamen", "no me vuelva a llamar", "no me vuelvan a llamar",
                "no vuelva a llamar", "no vuelvan a llamar", "no me llame mas", "nunca mas", "de su lista",
                "nao me ligue", "nao me liguem", "nao ligue", "nao liguem", "nunca mais", "pare de ligar",
                "parem de ligar", "da sua lista", "da lista",
            ]
        ),
        (
            .wrongNumber,
            [
                "wrong number", "wrong person", "numero equivocado", "se equivoca", "se equivoco", "equivocado",
                "numero errado", "foi engano", "e engano", "pessoa errada",
            ]
        ),
        (
            .callBackLater,
            [
                "call me back", "call back", "call me later", "call later", "call me another time", "bad time",
                "im busy", "i am busy", "busy right now", "in a meeting right now", "llameme mas tarde",
                "llameme despues", "llamame mas tarde", "llamame despues", "llame mas tarde", "en otro momento",
                "estoy ocupado", "estoy ocupada", "ligue mais tarde", "me liga mais tarde", "me ligue mais tarde",
                "ligar mais tarde", "outra hora", "estou ocupado", "estou ocupada",
            ]
        ),
        (
            .notInterested,
            [
                "not interested", "no interest", "no thanks", "no thank you", "no me interesa", "no estoy interesado",
                "no estoy interesada", "no gracias", "nao tenho interesse", "nao estou interessado",
                "nao estou interessada", "nao obrigado", "nao obrigada", "sem interesse",
            ]
        ),
        (
            .goodbye,
            [
                "goodbye", "bye", "thats all", "that is all", "nothing else", "eso es todo", "nada mas", "adios",
                "hasta luego", "so isso", "mais nada", "tchau", "ate logo",
            ]
        ),
        (
            .yes,
            [
                "yes", "yeah", "yep", "sure", "okay", "ok", "of course", "interested", "sounds good", "great",
                "perfect", "that works", "available", "si", "claro", "por supuesto", "me interesa", "de acuerdo",
                "vale",
                "perfecto", "disponible", "disponibilidad", "sim", "tenho interesse", "pode ser", "com certeza",
                "perfeito", "disponivel", "disponibilidade",
            ]
        ),
        (.no, ["no", "nope", "nao"]),
    ]
}
