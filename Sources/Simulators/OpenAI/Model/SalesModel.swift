import Platform

/// A sales agent made of rules. Its answer is a function of the prompt: the same messages always get the same answer.
///
/// It never claims a booking that the messages do not show.
struct SalesModel {
    private let prompt: ChatPrompt
    private let facts: PromptFacts
    private let dialogue: Dialogue
    private let phrases: SalesPhrases

    /// So many rounds of tools without a word to the caller are enough.
    private static let maximumToolRounds = 4
    /// So many answers beside the point end the conversation.
    private static let maximumUnclear = 4

    init(prompt: ChatPrompt) {
        self.prompt = prompt
        facts = PromptFacts(prompt)
        dialogue = Dialogue(prompt.messages)
        phrases = SalesPhrases(language: facts.language)
    }

    /// The answer in the form that the request's fields, or the prompt's own words, ask for.
    @Sendable static func answer(to prompt: ChatPrompt) -> ChatAnswer {
        guard let form = PromptedForm(prompt) else { return SalesModel(prompt: prompt).answer() }
        return ChatAnswer(text: form.text(of: SalesModel(prompt: form.prompt).answer()))
    }

    func answer() -> ChatAnswer {
        if let schema = prompt.responseSchema {
            return ChatAnswer(text: Classification(prompt).value(of: schema).text)
        }
        if prompt.wantsJSON { return ChatAnswer(text: "{}") }
        return forced(dialogue.answeredTool == nil ? afterCaller() : afterTool())
    }

    // MARK: the caller has spoken

    private func afterCaller() -> ChatAnswer {
        guard let intent = dialogue.lastIntent, hasTalked || dialogue.unclearInARow == 0 else {
            return say(phrases.greeting(facts.leadName))
        }
        switch intent {
        case .neverCallAgain, .wrongNumber, .callBackLater: return close(intent)
        case .notInterested: return close(dialogue.booked == nil ? intent : .goodbye)
        case .goodbye: return close(.goodbye)
        default: break
        }
        if dialogue.booked != nil { return intent == .question ? say(phrases.anythingElse) : close(.goodbye) }
        if dialogue.unclearInARow >= Self.maximumUnclear { return close(.goodbye) }
        if intent == .inaudible { return say(phrases.notUnderstood) }
        return canBook ? arrange(intent) : takeNote(intent)
    }

    /// Whether the agent has said anything yet. Its first answer is the greeting, unless the caller came to the point.
    private var hasTalked: Bool { prompt.messages.contains { $0.role == "assistant" && $0.text?.isEmpty == false } }

    /// On the way to a booking: times, a choice, an address.
    private func arrange(_ intent: CallerIntent) -> ChatAnswer {
        if let slot = dialogue.chosen { return bookOrAsk(slot) }
        if let day = dialogue.lastCallerText.flatMap({ DayWords.find(in: $0) }) { return checkCalendar(day) }
        if !dialogue.offered.isEmpty {
            return intent == .no ? say(phrases.askAnotherDay) : say(phrases.offer(dialogue.offered))
        }
        switch intent {
        case .yes: return checkCalendar(dialogue.day ?? phrases.defaultDay)
        case .no: return close(.no)
        default: return dialogue.isInterested ? checkCalendar(dialogue.day ?? phrases.defaultDay) : say(phrases.pitch)
        }
    }

    /// Without tools: an address, and a colleague who will write.
    private func takeNote(_ intent: CallerIntent) -> ChatAnswer {
        if intent == .no { return close(dialogue.email == nil ? .no : .goodbye) }
        if let email = dialogue.email, dialogue.isInterested { return say(phrases.colleagueWillWrite(email)) }
        return say(dialogue.isInterested ? phrases.askForColleague : phrases.pitch)
    }

    // MARK: a tool has answered

    private func afterTool() -> ChatAnswer {
        guard dialogue.toolRounds <= Self.maximumToolRounds else { return say(phrases.calendarAway) }
        switch dialogue.answeredTool {
        case ToolNames.bookMeeting: return afterBooking()
        case ToolNames.checkCalendar:
            if dialogue.toolOutcome == .broken { return say(phrases.calendarAway) }
            if let slot = dialogue.chosen { return bookOrAsk(slot) }
            return say(dialogue.offered.isEmpty ? phrases.askAnotherDay : phrases.offer(dialogue.offered))
        case ToolNames.hangUp: return say(phrases.close(.goodbye))
        default: return say(phrases.pitch)
        }
    }

    private func afterBooking() -> ChatAnswer {
        switch dialogue.toolOutcome {
        case .success: say(phrases.confirm(dialogue.booked?.display ?? "", email: email ?? ""))
        case .unconfirmed: say(phrases.mailWillTell)
        case .alreadyBooked: say(phrases.anythingElse)
        case .broken: say(phrases.calendarAway)
        case .refused, nil:
            dialogue.offered.isEmpty
                ? checkCalendar(dialogue.day ?? phrases.defaultDay)
                : say(phrases.offerAfterFailure(dialogue.offered))
        }
    }

    // MARK: what can be answered

    private var email: String? { dialogue.email ?? facts.leadEmail }

    private func tool(_ name: String) -> ChatPrompt.Tool? { prompt.callableTools.first { $0.name == name } }

    /// Tools that are known but may not be called now still belong to the conversation.
    private var canBook: Bool {
        [ToolNames.checkCalendar, ToolNames.bookMeeting].allSatisfy { name in prompt.tools.contains { $0.name == name }
        }
    }

    private func say(_ text: String) -> ChatAnswer { ChatAnswer(text: text) }

    private func checkCalendar(_ day: String) -> ChatAnswer {
        call(ToolNames.checkCalendar, ["preferred_date": .string(day)])
    }

    private func bookOrAsk(_ slot: OfferedSlot) -> ChatAnswer {
        guard let email else { return say(phrases.askEmail(slot)) }
        return call(
            ToolNames.bookMeeting,
            [
                "datetime": .string(slot.datetime), "guest_email": .string(email),
                "guest_name": .string(facts.leadName ?? phrases.guest),
            ])
    }

    /// Only parameters that the tool has are given.
    private func call(_ name: String, _ arguments: [String: JSON]) -> ChatAnswer {
        guard let tool = tool(name) else { return say(phrases.calendarAway) }
        return ChatAnswer(calls: [.init(name, .object(arguments.filter { tool.parameterNames.contains($0.key) }))])
    }

    /// The goodbye stands beside the call that hangs up.
    private func close(_ intent: CallerIntent) -> ChatAnswer {
        ChatAnswer(
            text: phrases.close(intent), calls: tool(ToolNames.hangUp) == nil ? [] : [.init(ToolNames.hangUp, [:])])
    }

    /// `tool_choice` may demand a call where the agent would talk.
    private func forced(_ answer: ChatAnswer) -> ChatAnswer {
        let wanted: ChatPrompt.Tool?
        switch prompt.toolChoice {
        case .required where answer.calls.isEmpty: wanted = prompt.tools.first
        case .function(let name) where answer.calls.map(\.name) != [name]: wanted = tool(name)
        default: wanted = nil
        }
        guard let wanted else { return answer }
        let arguments = Classification(prompt).value(of: wanted.parameters)
        return ChatAnswer(text: answer.text, calls: [.init(wanted.name, arguments)])
    }
}
