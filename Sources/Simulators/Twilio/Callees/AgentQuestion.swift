/// What the agent wants to know, as a callee understands it from the words.
enum AgentQuestion: Sendable, Hashable {
    case interest, slot, email, otherDay, name, isThatRight, anythingElse
    /// What was said last was lost.
    case again
    /// No question: a farewell.
    case farewell

    init(_ text: String) {
        let asked = text.split(whereSeparator: { ".!¿¡".contains($0) }).last { $0.contains("?") }.map(String.init)
        let found = asked.flatMap { Self.find(in: SpokenWords($0)) } ?? Self.general(text, isAsked: asked != nil)
        // "…, or would another day be better?" beside times is about the times.
        self = found == .otherDay && !ClockTimes.find(in: text).isEmpty ? .slot : found
    }

    private static func find(in words: SpokenWords) -> AgentQuestion? {
        phrases.first { words.contain($0.phrases) }?.question
    }

    private static func general(_ text: String, isAsked: Bool) -> AgentQuestion {
        let words = SpokenWords(text)
        if !isAsked, words.contain(farewells) { return .farewell }
        if !ClockTimes.find(in: text).isEmpty { return .slot }
        return isAsked ? .interest : find(in: words) ?? .interest
    }

    private static let farewells: Phrases = [
        "goodbye", "bye", "have a great day", "have a good day", "have a wonderful day", "adios", "hasta luego",
        "hasta pronto", "buen dia", "excelente dia", "ate logo", "tchau", "tenha um otimo dia", "bom dia", "otimo dia",
    ]

    private static let phrases: [(question: AgentQuestion, phrases: Phrases)] = [
        (
            .anythingElse,
            [
                "anything else", "something else", "algo mas", "otra cosa", "mais alguma coisa", "algo mais",
                "outra coisa",
            ]
        ),
        (
            .isThatRight,
            [
                "is that right", "is that correct", "correct", "is this right", "es correcto", "correcto", "esta bien",
                "esta correto", "correto", "esta certo",
            ]
        ),
        (
            .again,
            ["say that again", "say it again", "repeat", "once more", "repetir", "una vez mas", "mais uma vez"]
        ),
        (.email, ["email", "e mail", "email address", "correo", "mail"]),
        (
            .otherDay,
            [
                "other day", "another day", "what day", "which day", "another time", "otro dia", "que dia",
                "otra fecha",
                "outro dia", "outra data",
            ]
        ),
        (
            .slot,
            [
                "which of these", "which one", "which works", "which of", "which time", "cual", "cual de", "qual",
                "qual deles", "que horario", "which",
            ]
        ),
        (.name, ["your name", "su nombre", "seu nome"]),
    ]
}
