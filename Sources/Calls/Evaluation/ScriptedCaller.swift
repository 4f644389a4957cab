/// What a scripted caller does next. Pure: the agent's words go in, the caller's come out.
struct ScriptedCaller: Sendable {
    enum Move: Sendable, Hashable {
        case say(String)
        case beSilent
        case hangUp
    }

    private let replies: [CallerScript.Reply]
    private var said: [Int]
    private var lines: ArraySlice<String?>

    init(_ script: CallerScript) {
        replies = script.replies
        said = script.replies.map { _ in 0 }
        lines = script.lines[...]
    }

    /// The first reply that the agent's words call for and that has not been said too often; else the next line.
    mutating func answer(to utterance: String) -> Move {
        let words = Self.folded(utterance)
        for index in replies.indices where said[index] < replies[index].times {
            guard replies[index].phrases.contains(where: { words.contains(Self.folded($0)) }) else { continue }
            said[index] += 1
            return .say(replies[index].words)
        }
        guard let line = lines.popFirst() else { return .hangUp }
        return line.map { .say($0) } ?? .beSilent
    }

    /// In lower case, without accents or punctuation, with a space around each word.
    private static func folded(_ text: String) -> String {
        " " + FoldedSentence.sentences(of: text).flatMap(\.words).joined(separator: " ") + " "
    }
}
