/// What the agent says in one turn, and what comes after it. The result of a `process_conversation` job, and what a stored
/// turn is read back as, so that a repeated webhook gets the very same answer.
public struct SpokenAnswer: Codable, Sendable, Hashable {
    /// Plain text in `language`. Empty text is not spoken.
    public var say: String
    /// en, es or pt.
    public var language: String
    /// The number of the utterance that follows, for the next callback URL.
    public var nextTurn: Int
    /// Whether the call is hung up after it.
    public var endsCall: Bool
    /// E.164 number of a person whom the caller is put through to after the words; the conversation ends with that.
    public var transferTo: String?

    public init(say: String, language: String, nextTurn: Int, endsCall: Bool, transferTo: String? = nil) {
        self.say = say
        self.language = language
        self.nextTurn = nextTurn
        self.endsCall = endsCall
        self.transferTo = transferTo
    }

    enum CodingKeys: String, CodingKey {
        case say, language
        case nextTurn = "next_turn"
        case endsCall = "ends_call"
        case transferTo = "transfer_to"
    }
}
