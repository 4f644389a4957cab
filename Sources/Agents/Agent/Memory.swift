/// What an agent remembers, and how much of it the model gets to see.
///
/// A value. Pruning works on exchanges: a tool call and its results are kept or dropped together, since a model refuses a
/// conversation that has one without the other.
public struct Memory: Sendable {
    public private(set) var messages: [Message] = []
    public var strategy: MemoryStrategy
    /// An estimate by default: four bytes of UTF-8 are about a token.
    public var countTokens: @Sendable (Message) -> Int
    /// More messages than this are forgotten for good, oldest first.
    public var maximumMessages = 2_000

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
        if messages.count > maximumMessages { messages = Self.newest(messages, limit: maximumMessages) { _ in 1 } }
    }

    public mutating func clear() { messages.removeAll() }

    /// The newest messages that the strategy has room for, in order. The newest exchange is always in it.
    public var window: [Message] {
        switch strategy {
        case .all: messages
        case .lastMessages(let limit): Self.newest(messages, limit: limit) { _ in 1 }
        case .tokens(let limit): Self.newest(messages, limit: limit, cost: countTokens)
        }
    }

    /// Forgets what is outside the window.
    public mutating func prune() { messages = window }

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

    private static func newest(_ messages: [Message], limit: Int, cost: (Message) -> Int) -> [Message] {
        var kept: [ArraySlice<Message>] = []
        var total = 0
        for exchange in exchanges(messages).reversed() {
            total += exchange.reduce(0) { $0 + cost($1) }
            guard total <= limit || kept.isEmpty else { break }
            kept.append(exchange)
        }
        return kept.reversed().flatMap { $0 }
    }

    /// Messages that stand or fall together: one alone, or tool calls with the results behind them.
    private static func exchanges(_ messages: [Message]) -> [ArraySlice<Message>] {
        var starts: [Int] = []
        for (index, message) in messages.enumerated() {
            if case .tool = message, !starts.isEmpty { continue }
            starts.append(index)
        }
        return zip(starts, starts.dropFirst() + [messages.count]).map { messages[$0..<$1] }
    }
}

/// How much of the past a model gets to see. The system prompt comes on top.
public enum MemoryStrategy: Sendable, Hashable {
    case all
    /// The newest messages, at most so many.
    case lastMessages(Int)
    /// The newest messages that fit into so many tokens.
    case tokens(Int)
}
