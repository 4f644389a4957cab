/// What callees say, in three languages.
struct CalleePhrases: Sendable {
    let language: SpokenLanguage

    private func say(_ english: String, _ spanish: String, _ portuguese: String) -> String {
        switch language {
        case .english: english
        case .spanish: spanish
        case .portuguese: portuguese
        }
    }

    /// Days that callees ask for: `choice` picks one.
    func day(_ choice: UInt64) -> String {
        let days = [
            say("tomorrow", "mañana", "amanhã"),
            say("the day after tomorrow", "pasado mañana", "depois de amanhã"),
            say("next Tuesday", "el próximo martes", "na próxima terça-feira"),
            say("next Thursday", "el próximo jueves", "na próxima quinta-feira"),
            say("next week", "la próxima semana", "na próxima semana"),
            say("next Friday", "el próximo viernes", "na próxima sexta-feira"),
        ]
        return days[Int(choice % UInt64(days.count))]
    }

    func interested(_ day: String) -> String {
        say(
            "Yes, sure, that sounds interesting. Could we do \(day)?", "Sí, claro, me interesa. ¿Podría ser \(day)?",
            "Sim, claro, tenho interesse. Poderia ser \(day)?")
    }

    var firstSlot: String {
        say("The first one works for me.", "La primera opción, por favor.", "A primeira opção, por favor.")
    }

    func secondSlot(_ email: String) -> String {
        say(
            "The second one works for me. My email is \(email).",
            "La segunda opción, por favor. Mi correo es \(email).",
            "A segunda opção, por favor. Meu e-mail é \(email).")
    }

    func anotherDay(_ day: String) -> String {
        say(
            "Hmm, those are not good. What about \(day)?", "Mmm, no puedo en esos horarios. ¿Qué tal \(day)?",
            "Hum, esses não dão. Que tal \(day)?")
    }

    func email(_ email: String) -> String {
        say("It's \(email).", "Es \(email).", "É \(email).")
    }

    var name: String { say("My name is Alex.", "Me llamo Alex.", "Meu nome é Alex.") }
    var yes: String { say("Yes, that's right.", "Sí, así es.", "Sim, isso mesmo.") }
    var thatIsAll: String {
        say("No, that's all. Thank you!", "No, eso es todo. ¡Gracias!", "Não, é só isso. Obrigado!")
    }
    var notInterested: String {
        say("No, thank you, I'm not interested.", "No, gracias, no me interesa.", "Não, obrigado, não tenho interesse.")
    }
    var later: String {
        say(
            "I'm busy right now. Please call me back another day.",
            "Estoy ocupado ahora. Llámeme más tarde, por favor.", "Estou ocupado agora. Me ligue mais tarde, por favor."
        )
    }
    var wrongNumber: String {
        say(
            "You have the wrong number, nobody of that name lives here.",
            "Tiene el número equivocado, aquí no vive nadie con ese nombre.",
            "É engano, não mora ninguém com esse nome aqui.")
    }
    var neverCallAgain: String {
        say(
            "Stop calling me. Never call me again!", "Deje de llamar. ¡No me vuelva a llamar nunca más!",
            "Pare de ligar. Nunca mais me ligue!")
    }
    var goodbye: String { say("Goodbye.", "Adiós.", "Tchau.") }

    func rambling(_ turn: Int) -> String {
        let stories = [
            say(
                "You know, my neighbour bought a boat and it rained for three weeks.",
                "Fíjese que mi vecino se compró una lancha y llovió tres semanas.",
                "Sabe, meu vizinho comprou um barco e choveu três semanas."),
            say(
                "And then the dog ate the whole cake, can you imagine.",
                "Y entonces el perro se comió todo el pastel, imagínese.",
                "E então o cachorro comeu o bolo inteiro, imagine."),
            say(
                "People used to write letters, with stamps and everything.",
                "Antes la gente escribía cartas, con estampillas y todo.",
                "Antigamente as pessoas escreviam cartas, com selo e tudo."),
        ]
        return stories[turn % stories.count]
    }

    /// What speech recognition makes of noise.
    func gibberish(_ turn: Int) -> String { ["uh the mm", "sh krr", "la pa uh"][turn % 3] }

    /// The announcement of an answering machine.
    var machine: String {
        say(
            "Hello, I cannot take your call. Please leave a message after the tone.",
            "Hola, no puedo atender. Deje su mensaje después del tono.",
            "Olá, não posso atender. Deixe sua mensagem após o sinal.")
    }
}
