import Providers

/// What the ingress itself says: never technical, never a promise.
struct Phrases {
    private let english: Bool
    private let portuguese: Bool

    init(_ language: TwilioLanguage) {
        english = language == .english
        portuguese = language == .brazilianPortuguese
    }

    /// While the answer is still being thought about; `wait` counts from 1.
    func filler(_ wait: Int) -> String {
        wait == 1
            ? pick("One moment, please.", "Un momento, por favor.", "Um momento, por favor.")
            : pick(
                "I am still checking. Thank you for waiting.", "Sigo revisando. Gracias por esperar.",
                "Ainda estou verificando. Obrigada por aguardar.")
    }

    /// Before the end of a call that cannot go on.
    var apology: String {
        pick(
            "I am sorry, something went wrong on our side. Please excuse us. Goodbye.",
            "Lo siento, tuvimos un problema de nuestro lado. Le pedimos disculpas. Hasta luego.",
            "Desculpe, tivemos um problema do nosso lado. Pedimos desculpas. Até logo.")
    }

    /// When a person was called for the caller, and did not answer.
    var nobodyAvailable: String {
        pick(
            "I am sorry, nobody is available right now. A colleague will call you back. Goodbye.",
            "Lo siento, en este momento no hay nadie disponible. Una persona de nuestro equipo le devolverá la llamada. "
                + "Hasta luego.",
            "Desculpe, não há ninguém disponível agora. Uma pessoa da nossa equipe vai retornar a ligação. Até logo.")
    }

    private func pick(_ english: String, _ spanish: String, _ portuguese: String) -> String {
        self.english ? english : self.portuguese ? portuguese : spanish
    }
}
