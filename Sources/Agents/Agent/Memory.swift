public import Platform

/// What an agent remembers, and how much of it the model gets to see.
///
/// A value. Whatever the strategy, it works on exchanges: a tool call and its results are shown, summarized or forgotten
/// together, and a call without its results is never shown, since a model refuses a conversation that has one without the other.
public struct Memory: Sendable {
    public private(set) var messages: [Message] = []
    /// What is told to the model whatever the window: it is never pruned.
    public var facts: [String: JSON] = [:]
    public var strategy: MemoryStrategy
    /// An estimate by default: four bytes of UTF-8 are about a token.
    public var countTokens: @Sendable (Message) -> Int
    /// More messages than this are forgotten for good, oldest first.
    public var maximumMessages = 2_000
    /// What the oldest messages came to, for the strategy `.summary`.
    public private(set) var summary: String?
    /// Of how many messages, from the oldest on, `summary` tells.
    public private(set) var summarizedMessages = 0

    public init(
        strategy: MemoryStrategy = .tokens(16_000),
        countTokens: @escaping @Sendable (Message) -> Int = Memory.estimatedTokens
    ) {
        self.strategy = strategy
        self.countTokens = countTokens
    }

    public mutating func append(_ message: Message) { append(contentsOf: [message]) }

    public mutating func append(contentsOf new: [Message]) {
        messages += new
        if messages.count > maximumMessages {
            forget(before: MemoryExchange.start(in: messages[...], limit: maximumMessages) { _ in 1 })
        }
    }

    /// Forgets the messages and their summary, and the facts.
    public mutating func clear() {
        messages.removeAll()
        facts.removeAll()
        (summary, summarizedMessages) = (nil, 0)
    }

    /// What the strategy shows of the messages, in order. The newest exchange is always in it.
    public var window: [Message] {
        let shown = messages[windowStart...]
        let complete = MemoryExchange.all(in: shown).filter(\.isComplete).flatMap(\.messages)
        guard case .summary = strategy, let summary = summaryMessage else { return complete }
        return [summary] + complete
    }

    /// Forgets what is outside the window.
    public mutating func prune() { forget(before: windowStart) }

    // MARK: summary

    /// With the strategy `.summary`: the oldest messages without a summary, once the rest is longer than the window. Empty while
    /// all fits. Summarize them, with `summary` so far, and hand the text to `summarize`.
    public var overflow: ArraySlice<Message> {
        guard case .summary(let limit) = strategy else { return [] }
        let rest = messages[summarizedMessages...]
        guard rest.reduce(0, { $0 + countTokens($1) }) > limit - summaryTokens else { return [] }
        // Half of the window stays as it was said, so that the next summary is some way off.
        return rest[..<MemoryExchange.start(in: rest, limit: limit / 2, cost: countTokens)]
    }

    /// Lets `text` stand for the messages before it and the next `count` ones: as many as `overflow` had.
    public mutating func summarize(_ count: Int, as text: String) {
        summarizedMessages = min(summarizedMessages + max(count, 0), messages.count)
        summary = text
    }

    /// As a message of the user: words that callers said are never put into the system prompt.
    private var summaryMessage: Message? {
        summary.map { .user("What was said before, in short: \($0)") }
    }

    private var summaryTokens: Int { summaryMessage.map(countTokens) ?? 0 }

    // MARK: -

    private var windowStart: Int {
        switch strategy {
        case .all: 0
        case .lastMessages(let limit): MemoryExchange.start(in: messages[...], limit: limit) { _ in 1 }
        case .tokens(let limit): MemoryExchange.start(in: messages[...], limit: limit, cost: countTokens)
        case .summary(let limit):
            MemoryExchange.start(
                in: messages[summarizedMessages...], limit: limit - summaryTokens, cost: countTokens)
        }
    }

    private mutating func forget(before start: Int) {
        messages.removeFirst(start)
        summarizedMessages = max(0, summarizedMessages - start)
    }

    /// Four bytes of UTF-8 are about a token, and each message costs a few more for its frame.
    public static func estimatedTokens(_ message: Message) -> Int {
        let bytes =
            switch message {
            case .system(let text), .user(let text): text.utf8.count
            case .tool(let id, let text): id.utf8.count + text.utf8.count
            case .assistant(let text, let calls):
                calls.reduce(text?.utf8.count ?? 0) { $0 + $1.name.utf8.count + $1.arguments.utf8.count + 16 }
            }
        return bytes / 4 + 4
    }
}

/// How much of the past a model gets to see. The system prompt and the facts come on top.
public enum MemoryStrategy: Sendable, Hashable {
    case all
    /// The newest messages, at most so many.
    case lastMessages(Int)
    /// The newest messages that fit into so many tokens.
    case tokens(Int)
    /// As `tokens`, with a summary, which the agent's model writes, in place of the messages that do not fit.
    case summary(Int)

    var limit: Int? {
        switch self {
        case .all: nil
        case .lastMessages(let limit), .tokens(let limit), .summary(let limit): limit
        }
    }
}
