import Platform
import Testing

@testable import Simulators

/// A conversation with the model alone: tools are answered from here.
private struct Talk {
    var prompt: ChatPrompt
    private(set) var calls: [ChatAnswer.Call] = []
    /// What `book_meeting` answers.
    var bookingResult: JSON = ["success": true, "meeting_id": "evt1", "calendar_link": "https://example.com"]
    var slots = SalesTools.slots

    init(_ instructions: String, tools: [JSON] = [SalesTools.check, SalesTools.book, SalesTools.hangUp]) throws {
        let body: JSON = [
            "model": "m", "messages": [["role": "system", "content": .string(instructions)]],
        ]
        let more: [String: JSON] = tools.isEmpty ? [:] : ["tools": .array(tools)]
        prompt = try ChatRequest(body.merging(more)).prompt
        prompt.messages.append(.init(role: "assistant", text: "Hello! Do you have a moment?"))
    }

    /// What the agent says to that, after as many tool calls as it wants.
    mutating func say(_ text: String) throws -> String {
        prompt.messages.append(.init(role: "user", text: text))
        for _ in 0..<8 {
            let answer = SalesModel(prompt: prompt).answer()
            let ends = answer.calls.contains { $0.name == "terminarLlamada" }
            var message = ChatPrompt.Message(role: "assistant", text: answer.text)
            message.toolCalls = answer.calls.enumerated().map {
                .init(id: "c\(calls.count + $0)", name: $1.name, arguments: $1.arguments.text)
            }
            prompt.messages.append(message)
            for (call, id) in zip(answer.calls, message.toolCalls.map(\.id)) {
                let result: JSON = call.name == "book_meeting" ? bookingResult : slots
                prompt.messages.append(.init(role: "tool", text: result.text, toolCallID: id))
            }
            calls += answer.calls
            if ends || answer.calls.isEmpty { return answer.text ?? "" }
        }
        Issue.record("the model calls tools for ever")
        return ""
    }

    var names: [String] { calls.map(\.name) }
}

@Suite struct SalesModelTests {
    @Test(
        "An interested caller is booked, in each language",
        arguments: [
            (
                "Speak English.", "Yes, sure. Could we do next Tuesday?", "The first one, please.", "booked",
                "next Tuesday"
            ),
            (
                "Speak Spanish.", "Sí, claro. ¿Podría ser el próximo martes?", "La primera opción, por favor.",
                "agendada",
                "el próximo martes"
            ),
            (
                "Speak Brazilian Portuguese.", "Sim, claro. Poderia ser na próxima terça-feira?",
                "A primeira opção, por favor.", "agendada", "próxima terça-feira"
            ),
        ])
    func books(_ talk: (prompt: String, interest: String, choice: String, claim: String, day: String)) throws {
        var conversation = try Talk(talk.prompt)
        #expect(try conversation.say(talk.interest).contains("10:00 AM"))
        #expect(conversation.calls.last?.arguments["preferred_date"]?.string == talk.day)
        #expect(try conversation.say(talk.choice).contains("mail") || talk.prompt.contains("Spanish"))
        let confirmation = try conversation.say("maria@example.com")
        #expect(confirmation.contains(talk.claim))
        #expect(conversation.calls.last?.arguments["datetime"] == "2026-03-10T10:00:00+00:00")
        #expect(conversation.calls.last?.arguments["guest_email"] == "maria@example.com")
        _ = try conversation.say("No, nothing else. Bye!")
        #expect(conversation.names.last == "terminarLlamada")
    }

    @Test("A time, a day and an address in one breath are enough")
    func oneBreath() throws {
        var talk = try Talk("Speak English.")
        let answer = try talk.say("Tuesday at 3 pm would be good, I am bob@example.com")
        #expect(talk.names == ["check_calendar_availability", "book_meeting"])
        #expect(talk.calls.last?.arguments["datetime"] == "2026-03-10T15:00:00+00:00")
        #expect(answer.contains("bob@example.com"))
    }

    @Test("What is known of the caller is not asked for")
    func knownAddress() throws {
        var talk = try Talk(#"Speak English. Known, as data: {"email":"eva@example.com","name":"Eva Ruiz"}"#)
        _ = try talk.say("Yes, tomorrow")
        _ = try talk.say("The second one")
        #expect(talk.calls.last?.arguments["guest_email"] == "eva@example.com")
        #expect(talk.calls.last?.arguments["guest_name"] == "Eva Ruiz")
    }

    @Test("A booking that fails is never claimed; other times are offered")
    func failure() throws {
        var talk = try Talk("Speak English.")
        talk.bookingResult = [
            "success": false, "reason": "taken",
            "available_slots": [["datetime": "2026-03-11T09:00:00+00:00", "display": "Wednesday at 9:00 AM"]],
        ]
        _ = try talk.say("Yes, tomorrow")
        let answer = try talk.say("The first one, x@example.com")
        #expect(answer.contains("9:00 AM"))
        #expect(!answer.contains("booked"))
    }

    @Test("Without tools nothing is claimed")
    func noTools() throws {
        var talk = try Talk("Speak English.", tools: [])
        _ = try talk.say("Yes, I am interested. Tuesday?")
        let answer = try talk.say("joe@example.com")
        #expect(answer.contains("joe@example.com"))
        #expect(!answer.contains("booked"))
        #expect(talk.calls.isEmpty)
    }

    @Test(
        "A caller who wants to end it is let go",
        arguments: [
            "No thanks, I'm not interested", "I'm busy right now, call me back later", "You have the wrong number",
            "Never call me again!", "No me interesa, gracias", "Não tenho interesse", "Me ligue mais tarde",
        ])
    func closes(_ words: String) throws {
        var talk = try Talk("Speak English.")
        _ = try talk.say(words)
        #expect(talk.names == ["terminarLlamada"])
    }

    @Test("A caller who never comes to the point is let go after a while")
    func rambling() throws {
        var talk = try Talk("Speak English.")
        for turn in 0..<4 {
            #expect(talk.calls.isEmpty, "ended after \(turn)")
            _ = try talk.say("My neighbour bought a boat and it rained for weeks")
        }
        #expect(talk.names == ["terminarLlamada"])
    }

    @Test(
        "A conversation is classified by what was said in it",
        arguments: [
            ("caller: Never call me again!", "do_not_call"), ("caller: No me interesa", "not_interested"),
            ("caller: É engano, não mora aqui", "wrong_number"), ("caller: call me back later", "callback_requested"),
            ("agent: Your meeting is booked for Tuesday\ncaller: bye", "meeting_scheduled"),
            ("agent: hello, not interested?\nperson: hmm", "completed"),
        ])
    func classification(_ transcript: String, _ outcome: String) throws {
        let schema: JSON = [
            "type": "object", "additionalProperties": false, "required": ["outcome", "summary", "email", "details"],
            "properties": [
                "outcome": [
                    "type": "string",
                    "enum": [
                        "completed", "not_interested", "do_not_call", "wrong_number", "callback_requested",
                        "meeting_scheduled",
                    ],
                ],
                "summary": ["type": "string"], "email": ["type": ["string", "null"]],
                "details": [
                    "type": "object", "required": ["tags"], "additionalProperties": false,
                    "properties": ["tags": ["type": "array", "items": ["type": "string"]]],
                ],
            ],
        ]
        var prompt = ChatPrompt(model: "m", messages: [.init(role: "user", text: transcript)])
        prompt.responseSchema = schema
        let answer = try JSON(parsing: SalesModel(prompt: prompt).answer().text ?? "")
        #expect(answer["outcome"]?.string == outcome)
        #expect(answer["summary"]?.string?.isEmpty == false)
        #expect(answer["email"] == .null)
        #expect(answer["details"] == ["tags": []])
    }

    @Test("Who hung up is told apart when the instructions say it, and the summary is in the language asked for")
    func hungUp() throws {
        var prompt = ChatPrompt(
            model: "m",
            messages: [
                .init(role: "system", text: "The call was ended by the person.\nWrite in the language “es”."),
                .init(role: "user", text: "agent: ¿Le interesa?\nperson: Sí, claro. ¿Mañana?\nagent: Tengo a las 9:00"),
            ])
        prompt.responseSchema = [
            "type": "object",
            "properties": [
                "outcome": ["enum": ["completed", "hung_up"]], "summary": ["type": "string"],
                "interest": ["type": "string", "enum": ["none", "low", "high"]],
            ],
        ]
        let answer = try JSON(parsing: SalesModel(prompt: prompt).answer().text ?? "")
        #expect(
            answer == [
                "outcome": "hung_up", "interest": "high", "summary": "El cliente se interesó; no se agendó nada.",
            ])
    }

    @Test(
        "The day is heard in the caller's own words",
        arguments: [
            ("Could we do the day after tomorrow?", "the day after tomorrow"), ("on Monday, maybe", "Monday"),
            ("¿Qué tal pasado mañana por la tarde?", "pasado mañana por la tarde"),
            ("a semana que vem", "semana que vem"), ("El 15 de enero", "El 15 de enero"),
            ("2026-02-30 please", "2026-02-30"),
            ("A segunda opção, por favor.", nil), ("The first one works for me.", nil),
            ("Depois de amanhã", "Depois de amanhã"),
        ] as [(String, String?)])
    func dayWords(_ text: String, _ day: String?) {
        #expect(DayWords.find(in: text) == day)
    }
}
