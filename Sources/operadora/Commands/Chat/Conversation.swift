import Agents
import Calls
import Platform

/// Somebody at the terminal, or a pipe, and the agent, turn about.
struct Conversation: Sendable {
    let chat: Chat
    let brief: ChatBrief
    /// Nil when it is not recorded.
    let file: ChatRecordFile?

    /// Throws `ExitCode.failure` when the model failed in a turn, or a line could not be taken.
    func run() async throws {
        try file?.append(try JSON(encoding: ChatRecord.Head(brief)))
        try await ChatSession.hold(brief, chat.services) { session in
            if !chat.isJSON {
                let whose = brief.campaignName.map { " of \"\($0)\"" } ?? ""
                Console.printError(
                    "Call \(session.callID) with the agent\(whose), \(brief.language). Ctrl-D or Ctrl-C hangs up.")
            }
            try await chat.untilStopped {
                do {
                    try await converse(session)
                } catch let stop as CancellationError {
                    // Ctrl-C leaves the cursor behind the prompt.
                    if !chat.isJSON { Console.print("") }
                    throw stop
                }
            }
        }
    }

    private func converse(_ session: ChatSession) async throws {
        let input = LineInput()
        let screen = ChatScreen()
        var words: String?
        var isFlawless = true
        repeat {
            let exchange = try await session.answer(words) { [isJSON = chat.isJSON] event in
                if !isJSON { screen.show(event) }
            }
            try file?.append(try JSON(encoding: exchange))
            if chat.isJSON {
                Console.print(try json(exchange, session).text)
            } else {
                screen.end(exchange)
            }
            if let advice = exchange.stop?.advice(chat.model) {
                isFlawless = false
                Console.printError("operadora: \(advice)")
            }
            if exchange.endsCall { break }
            words = try await next(input, &isFlawless)
        } while words != nil
        if !isFlawless { throw ExitCode.failure }
    }

    /// The next line that can be said; nil at the end of the input.
    private func next(_ input: LineInput, _ isFlawless: inout Bool) async throws -> String? {
        while true {
            if !chat.isJSON { Console.printPiece("you> ") }
            let line = try await input.next()
            switch line {
            case .text(let text) where text.count <= ChatSession.maximumCharacters:
                if !chat.isJSON, !Console.standardInputIsTerminal { Console.print(text.printableLine) }
                return text
            case .text, .tooLong:
                if !chat.isJSON, !Console.standardInputIsTerminal { Console.print("") }
                isFlawless = false
                Console.printError(
                    "operadora: that line was not said: it is longer than \(ChatSession.maximumCharacters) characters")
            case nil:
                if !chat.isJSON { Console.print("") }
                return nil
            }
        }
    }

    private func json(_ exchange: ChatExchange, _ session: ChatSession) throws -> JSON {
        var members = try JSON(encoding: exchange).object ?? [:]
        members["call"] = .integer(session.callID)
        members["error"] = exchange.stop?.advice(chat.model).map { .string($0) }
        return .object(members)
    }
}
