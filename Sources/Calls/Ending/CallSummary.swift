/// A sentence for each outcome, in each language, for calls without a conversation, or when the model is away.
enum CallSummary {
    /// - Parameter lastWords: quoted, when there was a conversation.
    static func text(_ outcome: CallOutcome, _ language: String, lastWords: String? = nil) -> String {
        let sentence = sentences[outcome]?[language] ?? sentences[outcome]?["en"] ?? ""
        guard let lastWords, !lastWords.isBlank else { return sentence }
        let introduction = ["es": "Lo último que dijo", "pt": "Disse por último"][language] ?? "Last words"
        return "\(sentence) \(introduction): “\(lastWords.prefix(200))”"
    }

    private static let sentences: [CallOutcome: [String: String]] = [
        .meetingScheduled: [
            "en": "A meeting was scheduled.", "es": "Se agendó una reunión.", "pt": "Uma reunião foi agendada.",
        ],
        .callbackRequested: [
            "en": "The person asked to be called at another time.",
            "es": "La persona pidió que la llamen en otro momento.",
            "pt": "A pessoa pediu que liguem em outro momento.",
        ],
        .notInterested: [
            "en": "The person is not interested.", "es": "La persona no está interesada.",
            "pt": "A pessoa não tem interesse.",
        ],
        .doNotCall: [
            "en": "The person is not to be called again.", "es": "No se debe volver a llamar a la persona.",
            "pt": "Não se deve ligar de novo para a pessoa.",
        ],
        .wrongNumber: [
            "en": "The number belongs to somebody else.", "es": "El número es de otra persona.",
            "pt": "O número é de outra pessoa.",
        ],
        .voicemail: [
            "en": "An answering machine took the call.", "es": "Contestó un buzón de voz.",
            "pt": "A caixa postal atendeu.",
        ],
        .noAnswer: ["en": "Nobody answered.", "es": "Nadie contestó.", "pt": "Ninguém atendeu."],
        .busy: ["en": "The line was busy.", "es": "La línea estaba ocupada.", "pt": "A linha estava ocupada."],
        .noResponse: [
            "en": "The call was answered, and nobody spoke.", "es": "Contestaron la llamada y nadie habló.",
            "pt": "A chamada foi atendida e ninguém falou.",
        ],
        .hungUp: [
            "en": "The person hung up before anything was settled.",
            "es": "La persona colgó antes de que se acordara algo.",
            "pt": "A pessoa desligou antes de algo ser combinado.",
        ],
        .completed: [
            "en": "The conversation was held to its end.", "es": "La conversación se completó.",
            "pt": "A conversa foi concluída.",
        ],
        .failed: [
            "en": "The call could not be made.", "es": "No se pudo realizar la llamada.",
            "pt": "Não foi possível fazer a chamada.",
        ],
        .uncertain: [
            "en": "Whether the call was made is not known; a person should look into it.",
            "es": "No se sabe si la llamada se realizó; una persona debe revisarla.",
            "pt": "Não se sabe se a chamada foi feita; uma pessoa deve verificar.",
        ],
    ]
}
