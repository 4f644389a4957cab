import Agents
import FoundationEssentials
import Platform
import Testing

@testable import Calls

@Suite("Says only what is committed of changes")
struct ChangeClaimTests {
    private func claim(
        _ reply: String, _ invitation: GuestInvitation = .calendar, _ change: (inout TurnState) -> Void = { _ in }
    ) -> FalseClaim? {
        // With a confirmed meeting, so that bookings may be spoken of.
        let state = TurnFixtures.state { state in
            var meeting = Meeting(
                id: 1, callID: 7, status: .confirmed, eventKey: "op1", eventID: "op1", title: "Demo",
                startsAt: state.now + 86_400, endsAt: state.now + 90_000)
            meeting.sequence = 0
            state.meetings = [meeting]
            change(&state)
        }
        return FalseClaim(in: reply, after: CommittedChanges([], AgentRun(stop: .answered)), state, invitation)
    }

    @Test(
        "A reply that claims a change is recognised in three languages",
        arguments: [
            ("I've moved your meeting to Friday at ten.", FalseClaim.moved),
            ("Your meeting has been rescheduled.", .moved),
            ("Done, I have rescheduled it.", .moved), ("Su reunión quedó reagendada para el viernes.", .moved),
            ("Listo, reagendé su cita.", .moved), ("Ya cambié su reunión al viernes.", .moved),
            ("Remarquei a sua reunião para sexta.", .moved), ("A reunião foi reagendada.", .moved),
            ("I've cancelled your meeting.", .cancelled), ("Your appointment is cancelled, anything else?", .cancelled),
            ("It has been canceled.", .cancelled), ("Su reunión quedó cancelada.", .cancelled),
            ("He cancelado la cita.", .cancelled), ("Ya cancelé su reunión.", .cancelled),
            ("A sua reunião foi cancelada.", .cancelled), ("Cancelei a reunião.", .cancelled),
        ])
    func recognises(_ reply: String, _ expected: FalseClaim) { #expect(claim(reply) == expected) }

    @Test(
        "An offer, a question or a denial is no claim",
        arguments: [
            "Shall I move it to Friday?", "I can cancel it for you.", "Would you like to reschedule your meeting?",
            "I couldn't move the meeting.", "Your meeting has not been cancelled.",
            "Your meeting is on Tuesday at two.",
            "We moved to a new office last year.", "¿Quiere que cancele su reunión?",
            "Puedo reagendarla para el viernes.",
            "No pude cancelar la cita.", "Todavía no está cancelada.", "Quer que eu cancele a reunião?",
            "Posso remarcar para sexta.", "Ainda não foi cancelada.", "If you cancel, just call us.",
        ])
    func leavesAlone(_ reply: String) { #expect(claim(reply) == nil) }

    @Test("What was changed may be spoken of, also later")
    func speaksTruth() {
        #expect(claim("I've moved your meeting to Friday.") { $0.meetings[0].sequence = 1 } == nil)
        #expect(claim("Your meeting has been cancelled.") { $0.meetings[0].status = .cancelled } == nil)
    }

    @Test(
        "Where nobody is invited, a reply that says or promises an invitation is recognised in three languages",
        arguments: [
            "I've sent you a calendar invite.", "Your meeting is booked, and the invitation is on its way.",
            "You will receive an invitation shortly.", "I'll send you an email invitation.",
            "The invitation goes to Ana.",
            "Ya le envié la invitación.", "Le llegará una invitación por correo.", "Le mandaré la invitación.",
            "La invitación va a su correo.", "Enviei o convite para o seu e-mail.", "Você vai receber um convite.",
            "O convite já foi enviado.",
        ])
    func recognisesInvitations(_ reply: String) {
        #expect(claim(reply, .none) == .invited)
        #expect(claim(reply) == nil && claim(reply, .mail) == nil)
    }

    @Test(
        "There a question, a denial or another word is none",
        arguments: [
            "Your meeting is booked for Tuesday.", "No invitation is sent, so please note the time.",
            "You will not receive an invitation.", "Which e-mail address shall I note?",
            "Su reunión quedó agendada para el martes.", "No se envía ninguna invitación.",
            "¿Le envío la invitación?", "Não enviamos convite, anote o horário.",
            "Ficou agendado, com Ana como convidada.",
        ])
    func leavesInvitationsAlone(_ reply: String) { #expect(claim(reply, .none) == nil) }

    @Test(
        "None of our own phrases claims a change but those that are said when it is committed",
        arguments: Language.allCases)
    func phrases(_ language: Language) {
        for phrase in [
            Phrase.nothingChangedYet, .nothingBookedYet, .noInvitation, .apology, .goodbye, .willNotCallAgain,
        ] { #expect(claim(phrase.text(in: language), .none) == nil) }
        #expect(claim(Phrase.meetingCancelled(when: "x").text(in: language)) == .cancelled)
    }

    @Test("A model that insists is spoken over with what is so")
    func insists() async throws {
        let lie = "I've cancelled your meeting."
        let booked = try await BookedScene(Scripts.saying(lie, lie))
        try await booked.recordBooking()
        _ = try await booked.scene.turn(1)
        #expect(try await booked.scene.turn(2, "Cancel it").say == Phrase.nothingChangedYet.text(in: .english))
        #expect(try await booked.meeting().status == .confirmed)
    }
}
