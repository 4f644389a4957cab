import Testing

@testable import Simulators

@Suite struct CalleeTests {
    @Test(
        "A callee understands what is asked",
        arguments: [
            ("Hello Ana, this is a virtual assistant calling. Do you have a moment?", AgentQuestion.interest),
            ("I have Friday at 2:00 PM or 3:00 PM. Which works for you?", .slot),
            ("Tengo el viernes 10 de enero a las 14:00. ¿Le conviene?", .slot),
            ("Tenho sexta às 14h ou às 15h. Qual é o melhor para você?", .slot),
            ("Great. What is your email address for the invitation?", .email),
            ("¿Cuál es su correo electrónico?", .email),
            ("It is booked for Friday at 2:00 PM, an email follows. Is there anything else?", .anythingElse),
            ("Quedó agendada para el viernes a las 14:00. ¿Algo más?", .anythingElse),
            ("I found nothing then. What other day would work for you?", .otherDay),
            ("I'm sorry, I didn't understand that. Could you repeat it, please?", .again),
            ("Muchas gracias. Que tenga un excelente día. ¡Hasta luego!", .farewell),
            ("To be clear, nothing is booked yet. Which day and time would suit you?", .otherDay),
            ("Is maria@example.com correct?", .isThatRight),
        ])
    func questions(_ text: String, _ question: AgentQuestion) {
        #expect(AgentQuestion(text) == question)
    }

    @Test(
        "Clock times are heard as people write them",
        arguments: [
            ("Friday, January 10 at 2:00 PM", [840]), ("10:00 AM or 3:30 p.m.", [600, 930]), ("a las 14:00", [840]),
            ("às 14h ou às 9h30", [840, 570]), ("at 2", [120, 840]), ("a las 9 o 10 personas", [540, 1_260]),
            ("12:15 am, 12 pm", [15, 720]), ("I am 42, call +525512345678", []), ("25:00 10:75 99h", []),
            ("10 de enero", []),
            ("at 10 amazing", [600, 1_320]), ("", []),
        ] as [(String, Set<Int>)])
    func times(_ text: String, _ minutes: Set<Int>) {
        #expect(ClockTimes.find(in: text) == minutes)
    }

    @Test("Numbers are assigned, or drawn by their hash in the shares that were asked for")
    func book() {
        var book = CalleeBook(seed: 3, assigned: ["+15005550100": Callee(.busy)])
        #expect(book.callee(at: "+15005550100").kind == .busy)
        let numbers = (0..<5_000).map { "+1500\(1_000_000 + $0)" }
        let drawn = numbers.map { book.callee(at: $0).kind }
        #expect(drawn == numbers.map { book.callee(at: $0).kind })
        #expect((0.36...0.44).contains(Double(drawn.count { $0.books }) / 5_000))
        #expect(Set(drawn) == Set(Callee.Kind.allCases))
        book.shares = [.silent: 1]
        #expect(Set(numbers.map { book.callee(at: $0).kind }) == [.silent])
    }

    @Test("Who changes their mind asks for another day before taking a slot")
    func changesMind() {
        var mind = CalleeMind(Callee(.changesMind), number: "+15005550100")
        let staysOn = mind.hear("I have 10:00 AM or 3:00 PM. Which one?", language: "en-US")
        #expect(staysOn)
        let first = words(mind.respond())
        #expect(DayWords.find(in: first) != nil)
        _ = mind.hear("I have 11:00 AM or 4:00 PM. Which one?", language: "en-US")
        let second = words(mind.respond())
        #expect(second.contains("first"))
    }

    /// Empty when nothing is said.
    private func words(_ reaction: CalleeMind.Reaction) -> String {
        if case .say(let text, _) = reaction { text } else { "" }
    }
}
