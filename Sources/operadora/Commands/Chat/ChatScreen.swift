import Agents
import Calls
import Platform
import Synchronization

/// Shows a turn as it comes about: the words as they are written, each tool as it is called and as it answers.
///
/// Not all that a model writes is spoken: a call speaks the last answer of a turn, and no claim of a booking that is not there.
/// What was written and is not spoken is marked.
final class ChatScreen: Sendable {
    private struct State {
        /// The words of the answer that is being written.
        var words = ""
        /// Whether the line of these words has no end yet.
        var isOpen = false
        /// Whether the model has ended with them; more words replace them.
        var isComplete = false
    }
    private let state = Mutex(State())

    /// Of a tool's arguments or answer; `operadora calls show` has the whole.
    private static let maximumCharacters = 400

    func show(_ event: AgentEvent) {
        state.withLock { state in
            switch event {
            case .text(let piece): Self.write(piece, &state)
            case .toolStarted(let call):
                Self.close(&state, state.isComplete ? "  (not spoken)" : " …")
                Console.print("  \(call.name)(\(Self.short(call.arguments)))".printableLine)
            case .toolEnded(let execution):
                let verdict = execution.result.success ? "→" : "✗"
                let answer = Self.short(execution.result.value.text)
                // What was not executed says where its answer is from.
                let origin =
                    execution.origin == .executed
                    ? "\(Int(execution.duration.inMilliseconds.rounded())) ms" : execution.origin.rawValue
                Console.print("  \(execution.call.name) \(verdict) \(answer) (\(origin))".printableLine)
                if let url = execution.openedURL { Console.print("(the agent shows \(url))".printableLine) }
            case .finished: state.isComplete = true
            }
        }
    }

    /// The turn has ended, and this is what a caller hears.
    func end(_ exchange: ChatExchange) {
        state.withLock { state in
            let isShown = Self.isSame(state.words, exchange.agent)
            Self.close(&state, isShown ? "" : "  (not spoken)")
            if !isShown, !exchange.agent.isEmpty { Console.print("agent> \(exchange.agent)".printableLine) }
            if exchange.endsCall { Console.print("(the agent hangs up)") }
            state = State()
        }
    }

    private static func write(_ piece: String, _ state: inout State) {
        if state.isComplete { close(&state, "  (not spoken)") }
        if !state.isOpen {
            state = State(isOpen: true)
            Console.printPiece("agent> ")
        }
        state.words += piece.printableLine
        Console.printPiece(piece.printableLine)
    }

    private static func close(_ state: inout State, _ mark: String) {
        if state.isOpen { Console.print(mark) }
        state.isOpen = false
        state.isComplete = false
    }

    /// A turn's words are kept with single spaces.
    private static func isSame(_ words: String, _ spoken: String) -> Bool {
        !spoken.isEmpty && words.split(whereSeparator: \.isWhitespace) == spoken.split(whereSeparator: \.isWhitespace)
    }

    private static func short(_ text: String) -> String {
        text.count > maximumCharacters ? text.prefix(maximumCharacters) + "…" : text
    }
}

extension ToolExecution {
    /// The page that a browser would open.
    fileprivate var openedURL: String? {
        guard result.success, result.value["system_action"] == "open_url" else { return nil }
        return result.value["url"]?.string
    }
}

extension String {
    /// Without what would move the cursor, change colours or ring: the words come from others.
    var printableLine: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { scalar -> Unicode.Scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .format, .lineSeparator, .paragraphSeparator: " "
                    default: scalar
                    }
                }))
    }
}
