/// Messages that stand or fall together: one alone, or tool calls with the results behind them.
struct MemoryExchange {
    let messages: ArraySlice<Message>

    /// Whether every call has its result and every result its call.
    var isComplete: Bool {
        var open: [String] = []
        if case .assistant(_, let calls) = messages.first { open = calls.map(\.id) }
        for message in messages {
            guard case .tool(let id, _) = message else { continue }
            guard let position = open.firstIndex(of: id) else { return false }
            open.remove(at: position)
        }
        return open.isEmpty
    }

    static func all(in messages: ArraySlice<Message>) -> [MemoryExchange] {
        var starts: [Int] = []
        for index in messages.indices {
            if case .tool = messages[index], !starts.isEmpty { continue }
            starts.append(index)
        }
        return zip(starts, starts.dropFirst() + [messages.endIndex]).map { MemoryExchange(messages: messages[$0..<$1]) }
    }

    /// Where the newest exchanges begin that cost no more than `limit`, the newest one whatever it costs.
    static func start(in messages: ArraySlice<Message>, limit: Int, cost: (Message) -> Int) -> Int {
        var start = messages.endIndex
        var total = 0
        for exchange in all(in: messages).reversed() {
            total += exchange.messages.reduce(0) { $0 + cost($1) }
            guard total <= limit || start == messages.endIndex else { break }
            start = exchange.messages.startIndex
        }
        return start
    }
}
