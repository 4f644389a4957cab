import Testing

@testable import Calls

@Suite("Says only what is committed")
struct BookingClaimTests {
    @Test(
        "A reply that claims a booking is recognised in three languages",
        arguments: [
            "I've booked our meeting for Tuesday at 2pm.", "Great, your meeting is scheduled!",
            "You're all set for Tuesday.",
            "I have successfully scheduled the demo.", "It's booked, anything else?", "No problem, it is confirmed.",
            "Perfect! I've scheduled our meeting for Tuesday and sent you a calendar invite.",
            "Your appointment has been confirmed.",
            "Booked for Friday at ten.", "We have reserved the slot for you, and if you need anything, just call.",
            "Your demo is now booked", "A calendar invitation is on its way, you are booked.", "I just booked it.",
            "He agendado su reunión para el martes.", "Listo, su cita quedó agendada, ¿algo más?",
            "Ya está confirmada.",
            "La reunión está programada para el viernes.", "Le agendé la reunión.", "Queda reservado para el lunes.",
            "Perfecto, reservé su lugar.", "Ya le envié la invitación.", "Su reunión ha sido agendada.",
            "Agendei a sua reunião para terça.", "A reunião está marcada.", "Pronto, ficou agendado para sexta!",
            "Já marquei o horário.", "Sua reunião foi confirmada.", "Reunião marcada!",
        ])
    func recognises(_ reply: String) { #expect(BookingClaim.isMade(in: reply)) }

    @Test(
        "An offer, a question, a promise or a denial is no claim",
        arguments: [
            "Shall I book it for Tuesday?", "Would you like me to schedule the meeting?", "I can book that for you.",
            "I have Tuesday at two or Wednesday at ten.", "To book it I need your e-mail address.",
            "Nothing is booked yet.",
            "I couldn't book the meeting.", "Your meeting is not confirmed yet.", "Is your meeting already booked?",
            "That slot has been taken by someone else.", "I'm sorry, that time is already booked by another guest.",
            "Let me check the calendar.",
            "¿Quiere que la agende?", "Puedo agendarla para el martes.", "No he agendado nada todavía.",
            "Todavía no está confirmada.", "Necesito su correo para agendar la reunión.", "No pude agendar la reunión.",
            "¿Le agendo el martes a las dos?", "Tengo libre el martes.", "Esa hora ya está ocupada.",
            "Posso agendar para terça?", "Ainda não está marcada.", "Quer que eu marque a reunião?",
            "Não consegui agendar.", "Para agendar preciso do seu e-mail.", "Tenho terça às duas.",
        ])
    func leavesAlone(_ reply: String) { #expect(!BookingClaim.isMade(in: reply)) }

    @Test(
        "None of our own phrases claims a booking but the one that is said when it is committed",
        arguments: Language.allCases)
    func phrasesClaimNothing(_ language: Language) {
        let phrases: [Phrase] = [
            .greeting(name: "Ana"), .greetingToCaller, .notHeard, .stillThere, .notUnderstood, .apology,
            .apologyAndGoodbye,
            .goodbye, .goodbyeToSilence, .goodbyeForLength, .willNotCallAgain, .nothingBookedYet,
        ]
        #expect(phrases.filter { BookingClaim.isMade(in: $0.text(in: language)) } == [])
        #expect(BookingClaim.isMade(in: Phrase.booked(when: "x").text(in: language)))
    }
}
