/// What is said without asking a model.
enum Phrase: Sendable, Hashable {
    /// To somebody we call. The name may be empty.
    case greeting(name: String)
    case greetingToCaller
    case notHeard
    case stillThere
    case notUnderstood
    /// The model failed, or went in circles.
    case apology
    /// The end after too much of that.
    case apologyAndGoodbye
    case goodbye
    /// Nobody spoke, or nothing could be understood, too often.
    case goodbyeToSilence
    case goodbyeForLength
    case willNotCallAgain
    /// A person is called, and then speaks with the caller.
    case transferring
    /// Instead of a claim that nothing stands behind.
    case nothingBookedYet
    /// The same of a meeting that was said to be moved or cancelled.
    case nothingChangedYet
    /// Instead of an invitation that nobody is sent.
    case noInvitation
    /// The meeting is committed and the model has no words for it.
    case booked(when: String)
    /// So is a cancellation.
    case meetingCancelled(when: String)

    func text(in language: Language) -> String {
        let (english, spanish, portuguese) = texts
        return switch language {
        case .english: english
        case .spanish: spanish
        case .portuguese: portuguese
        }
    }

    private var texts: (english: String, spanish: String, portuguese: String) {
        switch self {
        case .greeting(let name):
            (
                "Hello\(name.isEmpty ? "" : " \(name)"), this is a virtual assistant calling. Do you have a moment?",
                "Hola\(name.isEmpty ? "" : " \(name)"), le llama un asistente virtual. ¿Tiene un momento?",
                "Olá\(name.isEmpty ? "" : " \(name)"), aqui é um assistente virtual. Você tem um momento?"
            )
        case .greetingToCaller:
            (
                "Hello, thank you for calling. How can I help you?",
                "Hola, gracias por llamar. ¿En qué le puedo ayudar?",
                "Olá, obrigado por ligar. Como posso ajudar?"
            )
        case .notHeard:
            (
                "I'm sorry, I didn't hear anything. Could you say that again?",
                "Disculpe, no le escuché. ¿Me lo puede repetir?", "Desculpe, não ouvi nada. Pode repetir?"
            )
        case .stillThere: ("Hello? Are you still there?", "¿Hola? ¿Sigue ahí?", "Alô? Você ainda está aí?")
        case .notUnderstood:
            (
                "I'm sorry, I didn't understand that. Could you repeat it, please?",
                "Disculpe, no le entendí bien. ¿Lo podría repetir, por favor?",
                "Desculpe, não entendi bem. Pode repetir, por favor?"
            )
        case .apology:
            (
                "I'm sorry, I lost my train of thought. Could you say that once more?",
                "Disculpe, se me fue el hilo. ¿Me lo puede decir una vez más?",
                "Desculpe, perdi o fio da meada. Pode dizer mais uma vez?"
            )
        case .apologyAndGoodbye:
            (
                "I'm sorry, I can't help you well right now. Someone from our team will get back to you. Goodbye.",
                "Lo siento, en este momento no puedo atenderle bien. Alguien de nuestro equipo se comunicará con usted. "
                    + "Hasta luego.",
                "Sinto muito, não consigo atender bem agora. Alguém da nossa equipe vai retornar. Até logo."
            )
        case .goodbye:
            (
                "Thank you for your time. Have a nice day. Goodbye.",
                "Gracias por su tiempo. Que tenga un buen día. Hasta luego.",
                "Obrigado pelo seu tempo. Tenha um bom dia. Até logo."
            )
        case .goodbyeToSilence:
            (
                "It seems we can't hear each other. I'll leave it here. Have a nice day. Goodbye.",
                "Parece que no nos escuchamos bien. Lo dejamos aquí. Que tenga un buen día. Hasta luego.",
                "Parece que não estamos nos ouvindo bem. Vou encerrar por aqui. Tenha um bom dia. Até logo."
            )
        case .goodbyeForLength:
            (
                "I have to end our conversation here. Thank you for your time. Goodbye.",
                "Tengo que terminar aquí nuestra conversación. Gracias por su tiempo. Hasta luego.",
                "Preciso encerrar a nossa conversa aqui. Obrigado pelo seu tempo. Até logo."
            )
        case .willNotCallAgain:
            (
                "I understand. We won't call you again. Goodbye.", "Entiendo. No le volveremos a llamar. Hasta luego.",
                "Entendo. Não vamos mais ligar. Até logo."
            )
        case .transferring:
            (
                "One moment, please. I'm connecting you with a colleague.",
                "Un momento, por favor. Le comunico con una persona de nuestro equipo.",
                "Um momento, por favor. Vou transferir você para uma pessoa da nossa equipe."
            )
        case .nothingBookedYet:
            (
                "To be clear, nothing is booked yet. Which day and time would suit you?",
                "Le aclaro que todavía no hay nada agendado. ¿Qué día y a qué hora le vendría bien?",
                "Só para esclarecer, ainda não há nada agendado. Que dia e horário seriam bons para você?"
            )
        case .nothingChangedYet:
            (
                "To be clear, your meeting has not been changed yet. What shall I do with it?",
                "Le aclaro que su reunión todavía no se ha cambiado. ¿Qué desea hacer con ella?",
                "Só para esclarecer, a sua reunião ainda não foi alterada. O que deseja fazer com ela?"
            )
        case .noInvitation:
            (
                "To be clear, no e-mail is sent: please note the day and the time. Is there anything else?",
                "Le aclaro que no se envía ningún correo: anote el día y la hora, por favor. ¿Algo más?",
                "Só para esclarecer, nenhum e-mail é enviado: anote o dia e o horário, por favor. Mais alguma coisa?"
            )
        case .booked(let when):
            (
                "Your meeting is booked for \(when). Is there anything else?",
                "Su reunión quedó agendada para el \(when). ¿Algo más?",
                "A sua reunião ficou marcada para \(when). Mais alguma coisa?"
            )
        case .meetingCancelled(let when):
            (
                "Your meeting on \(when) is cancelled. Is there anything else?",
                "Su reunión del \(when) quedó cancelada. ¿Algo más?",
                "A sua reunião de \(when) foi cancelada. Mais alguma coisa?"
            )
        }
    }
}
