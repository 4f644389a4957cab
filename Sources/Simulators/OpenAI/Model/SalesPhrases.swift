/// What the simulated sales agent says, in its three languages.
struct SalesPhrases: Sendable {
    let language: SpokenLanguage

    private func say(_ english: String, _ spanish: String, _ portuguese: String) -> String {
        switch language {
        case .english: english
        case .spanish: spanish
        case .portuguese: portuguese
        }
    }

    func greeting(_ name: String?) -> String {
        let name = name.map { " \($0)" } ?? ""
        return say(
            "Hello\(name)! I'm calling about scheduling a short demo. Would you be interested?",
            "¡Hola\(name)! Le llamo para agendar una breve demostración. ¿Le interesaría?",
            "Olá\(name)! Estou ligando para agendar uma breve demonstração. Você teria interesse?")
    }

    var pitch: String {
        say(
            "It is a thirty minute demo of what we do, at no cost. Would you be interested in meeting with us?",
            "Es una demostración de treinta minutos, sin costo. ¿Le interesaría reunirse con nosotros?",
            "É uma demonstração de trinta minutos, sem custo. Você teria interesse em conversar conosco?")
    }

    func offer(_ slots: [OfferedSlot]) -> String {
        let times = list(slots.map(\.display))
        let question = say(
            "Which of these works best for you?", "¿Cuál le conviene más?", "Qual é o melhor para você?")
        guard slots.count > 1 else {
            return say(
                "I have \(times). Does that work for you?", "Tengo \(times). ¿Le conviene?", "Tenho \(times). Pode ser?"
            )
        }
        return say("I have \(times). ", "Tengo \(times). ", "Tenho \(times). ") + question
    }

    func offerAfterFailure(_ slots: [OfferedSlot]) -> String {
        say(
            "I'm sorry, that time is no longer free. ", "Lo siento, ese horario ya no está libre. ",
            "Sinto muito, esse horário não está mais livre. ") + offer(slots)
    }

    func askEmail(_ slot: OfferedSlot) -> String {
        say(
            "\(slot.display), good. What is your email address for the invitation?",
            "Muy bien, \(slot.display). ¿Cuál es su correo electrónico para la invitación?",
            "Muito bem, \(slot.display). Qual é o seu e-mail para o convite?")
    }

    func confirm(_ slot: String, email: String) -> String {
        say(
            "Your meeting is booked for \(slot), with \(email) as the guest. Is there anything else?",
            "Su reunión quedó agendada para \(slot), con \(email) como invitado. ¿Algo más?",
            "Sua reunião está agendada para \(slot), com \(email) como convidado. Mais alguma coisa?")
    }

    var askAnotherDay: String {
        say(
            "I could not find a free time then. What other day would work for you?",
            "No encontré un horario libre. ¿Qué otro día le conviene?",
            "Não encontrei um horário livre. Que outro dia seria bom para você?")
    }

    var calendarAway: String {
        say(
            "I'm sorry, I cannot reach the calendar right now. A colleague will contact you. Goodbye!",
            "Lo siento, ahora no puedo consultar el calendario. Un colega le contactará. ¡Hasta luego!",
            "Sinto muito, não consigo consultar a agenda agora. Um colega entrará em contato. Até logo!")
    }

    /// Nothing is promised while nobody knows.
    var mailWillTell: String {
        say(
            "The calendar is slow to answer. You will get an e-mail if it worked. Is there anything else?",
            "El calendario tarda en responder. Recibirá un correo si se pudo. ¿Algo más?",
            "A agenda está demorando a responder. Você receberá um e-mail se deu certo. Mais alguma coisa?")
    }

    /// For a campaign without tools: a wish is noted, nothing is promised as done.
    var askForColleague: String {
        say(
            "Wonderful. A colleague will write to you to agree on a time. What is your email address?",
            "Excelente. Un colega le escribirá para acordar un horario. ¿Cuál es su correo electrónico?",
            "Ótimo. Um colega vai escrever para combinar um horário. Qual é o seu e-mail?")
    }

    func colleagueWillWrite(_ email: String) -> String {
        say(
            "Thank you. A colleague will write to \(email) to agree on a time. Is there anything else?",
            "Gracias. Un colega escribirá a \(email) para acordar un horario. ¿Algo más?",
            "Obrigado. Um colega vai escrever para \(email) para combinar um horário. Mais alguma coisa?")
    }

    var anythingElse: String {
        say(
            "Your meeting stands. Is there anything else?", "Su reunión sigue en pie. ¿Algo más?",
            "Sua reunião está de pé. Mais alguma coisa?")
    }

    var notUnderstood: String {
        say(
            "I'm sorry, I did not catch that. Could you say it again?", "Disculpe, no le entendí. ¿Puede repetirlo?",
            "Desculpe, não entendi. Pode repetir?")
    }

    func close(_ intent: CallerIntent) -> String {
        switch intent {
        case .neverCallAgain:
            say(
                "I'm sorry to have bothered you. We will not call you again. Goodbye!",
                "Disculpe la molestia. No le volveremos a llamar. ¡Adiós!",
                "Desculpe o incômodo. Não ligaremos novamente. Até logo!")
        case .wrongNumber:
            say(
                "I'm sorry, I must have the wrong number. Goodbye!", "Disculpe, tengo el número equivocado. ¡Adiós!",
                "Desculpe, foi engano. Até logo!")
        case .callBackLater:
            say(
                "Of course, we will call you back another time. Goodbye!",
                "Claro, le llamaremos en otro momento. ¡Hasta luego!",
                "Claro, ligaremos em outro momento. Até logo!")
        case .notInterested, .no:
            say(
                "I understand. Thank you for your time, and have a good day. Goodbye!",
                "Entiendo. Gracias por su tiempo y que tenga un buen día. ¡Hasta luego!",
                "Entendo. Obrigado pelo seu tempo e tenha um bom dia. Até logo!")
        default:
            say(
                "Thank you very much. Have a wonderful day. Goodbye!",
                "Muchas gracias. Que tenga un excelente día. ¡Hasta luego!",
                "Muito obrigado. Tenha um ótimo dia. Até logo!")
        }
    }

    var summaryOfBooking: String {
        say(
            "The caller was interested and a meeting was booked.", "El cliente se interesó y se agendó una reunión.",
            "O cliente teve interesse e uma reunião foi agendada.")
    }

    /// Of a conversation in which nothing was booked.
    func summary(of intent: CallerIntent) -> String {
        switch intent {
        case .neverCallAgain:
            say(
                "The caller asked never to be called again.", "El cliente pidió que no se le vuelva a llamar.",
                "O cliente pediu para nunca mais receber ligações.")
        case .wrongNumber:
            say(
                "The number belongs to somebody else.", "El número es de otra persona.", "O número é de outra pessoa.")
        case .callBackLater:
            say(
                "The caller asked to be called at another time.", "El cliente pidió que se le llame en otro momento.",
                "O cliente pediu para ligar em outro momento.")
        case .notInterested:
            say(
                "The caller was not interested.", "El cliente no se interesó.", "O cliente não teve interesse.")
        case .yes:
            say(
                "The caller was interested; nothing was booked.", "El cliente se interesó; no se agendó nada.",
                "O cliente teve interesse; nada foi agendado.")
        default:
            say(
                "The conversation settled nothing.", "La conversación no resolvió nada.",
                "A conversa não resolveu nada.")
        }
    }

    /// A day to ask for when the caller named none.
    var defaultDay: String { say("tomorrow", "mañana", "amanhã") }

    var guest: String { say("Guest", "Invitado", "Convidado") }

    private func list(_ items: [String]) -> String {
        guard let last = items.last, items.count > 1 else { return items.first ?? "" }
        return items.dropLast().joined(separator: ", ") + say(" or ", " o ", " ou ") + last
    }
}
