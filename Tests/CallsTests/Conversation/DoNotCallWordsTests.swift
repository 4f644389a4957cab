import Testing

@testable import Calls

@Suite("Do-not-call words")
struct DoNotCallWordsTests {
    @Test(
        "A wish never to be called again is heard in three languages",
        arguments: [
            "Never call me again!", "Please don't call me again.", "Do not ever call this number.", "Stop calling me",
            "take me off your list please", "Remove my number", "I don't want you to call me anymore.",
            "don't call me", "put me on your do not call list", "No more calls, thanks", "don’t call here again",
            "I do not want any more calls", "Do not contact us any more", "Quit calling!",
            "No me vuelvan a llamar", "¡No me llame más!", "no me llamen nunca más por favor", "Nunca más me llamen",
            "Dejen de llamarme", "dejen de llamar", "Quiten mi número de su lista", "Borre mi numero",
            "sáquenme de su lista",
            "No quiero que me llamen", "no quiero más llamadas", "No vuelva a llamar", "No me llamen",
            "Não me ligue mais.", "nao me liguem nunca mais", "Nunca mais me ligue", "Parem de me ligar!",
            "Pare de ligar", "Tire o meu número da lista", "remova meu telefone", "Não quero mais receber ligações",
            "me tirem da lista", "não ligue mais para cá", "Não me liga", "não me ligue de novo",
        ])
    func hears(_ speech: String) { #expect(DoNotCallWords.areIn(speech)) }

    @Test(
        "Another time, another wish, or any other talk is none",
        arguments: [
            "Don't call me now, I'm driving", "Please don't call me before nine", "do not call me on Sunday",
            "Can you call me again tomorrow?", "I never got your call", "Call me back later", "I'm not interested.",
            "You can stop there, Tuesday is fine", "Take me through it", "I have another call",
            "No me llame hoy, mejor mañana", "Llámame más tarde", "no me llames a las dos", "Vuelvan a llamar el lunes",
            "No, el martes me va bien", "No me interesa", "Dejen el mensaje",
            "Não me ligue agora", "Me ligue mais tarde", "não me liga na segunda", "não me ligue no domingo",
            "Pode me ligar de novo amanhã",
            "Não tenho interesse", "Tire uma dúvida", "", "...",
        ])
    func leavesAlone(_ speech: String) { #expect(!DoNotCallWords.areIn(speech)) }
}
