import Platform
import Testing

@testable import Agents

@Suite("Memory")
struct MemoryTests {
    private static let call = ToolCall(id: "call_1", name: "lookup", arguments: "{}")
    private static let conversation: [Message] = [
        .user("one"), .assistant("two"), .user("three"), .assistant(nil, toolCalls: [call]),
        .tool(callID: "call_1", "{}"),
        .assistant("six"), .user("seven"),
    ]

    private func memory(_ strategy: MemoryStrategy, _ messages: [Message] = conversation) -> Memory {
        // One token a message makes the numbers of these tests readable.
        var memory = Memory(strategy: strategy) { _ in 1 }
        memory.append(contentsOf: messages)
        return memory
    }

    @Test("Without a limit the model sees everything")
    func keepsAll() { #expect(memory(.all).window == Self.conversation) }

    @Test(
        "The window holds the newest messages and never a result without its call",
        arguments: [(1, 1), (2, 2), (3, 2), (4, 4), (5, 5), (7, 7), (100, 7)])
    func neverSeparates(_ limit: Int, _ kept: Int) {
        #expect(memory(.lastMessages(limit)).window == Self.conversation.suffix(kept))
        #expect(memory(.tokens(limit)).window == Self.conversation.suffix(kept))
    }

    @Test("For every limit, each result in the window stands behind its call", arguments: 1...20)
    func holdsForEveryLimit(_ limit: Int) {
        let calls = (1...3).map { ToolCall(id: "call_\($0)", name: "lookup", arguments: "{}") }
        let round: [Message] =
            [.user("?"), .assistant(nil, toolCalls: calls)] + calls.map { .tool(callID: $0.id, "{}") } + [
                .assistant("!")
            ]
        let window = memory(.lastMessages(limit), Array(repeating: round, count: 5).flatMap { $0 }).window
        var open: Set<String> = []
        for message in window {
            switch message {
            case .assistant(_, let calls):
                #expect(open.isEmpty)
                open = Set(calls.map(\.id))
            case .tool(let id, _): #expect(open.remove(id) != nil)
            case .system, .user: #expect(open.isEmpty)
            }
        }
        #expect(open.isEmpty)
    }

    @Test("The newest exchange is seen even when it is too long")
    func keepsNewest() {
        var memory = Memory(strategy: .tokens(1)) { _ in 1_000 }
        memory.append(.user("a very long message"))
        #expect(memory.window == [.user("a very long message")])
    }

    @Test("Pruning forgets what is outside the window")
    func prunes() {
        var memory = memory(.lastMessages(2))
        memory.prune()
        memory.strategy = .all
        #expect(memory.window == Self.conversation.suffix(2))
    }

    @Test("A conversation without end does not grow without end")
    func isBounded() {
        var memory = memory(.all, [])
        memory.maximumMessages = 10
        for number in 0..<100 { memory.append(.user("\(number)")) }
        #expect(memory.messages.count == 10)
        #expect(memory.messages.last == .user("99"))
    }

    @Test("A result without its call, and a call without its result, are never shown")
    func hidesOrphans() {
        let orphans: [Message] = [
            .tool(callID: "call_0", "{}"), .user("one"), .assistant(nil, toolCalls: [Self.call]), .user("two"),
            .tool(callID: "call_9", "{}"), .assistant("three"),
        ]
        #expect(memory(.all, orphans).window == [.user("one"), .assistant("three")])
    }

    // MARK: summary and facts

    @Test("What does not fit is handed out to be summarized, whole exchanges of it, and half of the window stays")
    func overflows() {
        #expect(memory(.summary(7)).overflow.isEmpty)
        var memory = memory(.summary(6))
        // Half of it has room for three, and the exchange before the newest two messages has two.
        #expect(Array(memory.overflow) == Array(Self.conversation.prefix(5)))
        memory.summarize(memory.overflow.count, as: "Two numbers were looked up.")
        #expect(memory.overflow.isEmpty)
        #expect(
            memory.window == [
                .user("What was said before, in short: Two numbers were looked up."), .assistant("six"), .user("seven"),
            ])
        #expect(memory.messages == Self.conversation)
    }

    @Test("A summary never leaves a result without its call, for any window", arguments: 1...12)
    func summarizesExchanges(_ limit: Int) {
        var memory = memory(.summary(limit), [])
        for _ in 0..<10 {
            memory.append(contentsOf: Self.conversation)
            let overflow = memory.overflow
            if !overflow.isEmpty { memory.summarize(overflow.count, as: "So far.") }
            let window = memory.window
            let calls = window.filter { if case .assistant(_, let calls) = $0 { !calls.isEmpty } else { false } }
            let results = window.filter { if case .tool = $0 { true } else { false } }
            #expect(calls.count == results.count)
            #expect(window.last == .user("seven"))
            #expect(window.count <= limit + 1 || limit < 2)
        }
    }

    @Test("The summary keeps its place while the oldest messages are forgotten")
    func forgetsSummarized() {
        var memory = memory(.summary(6))
        memory.summarize(memory.overflow.count, as: "Before.")
        memory.maximumMessages = 7
        memory.append(contentsOf: [.assistant("eight"), .user("nine")])
        #expect(memory.messages.count <= 7)
        #expect(
            memory.window.dropFirst() == [.assistant("six"), .user("seven"), .assistant("eight"), .user("nine")])
    }

    @Test("Facts are pinned: pruning leaves them, clearing does not")
    func pins() {
        var memory = memory(.lastMessages(1))
        memory.facts["name"] = "Ana"
        memory.prune()
        #expect(memory.facts == ["name": "Ana"])
        memory.clear()
        #expect(memory.facts.isEmpty && memory.messages.isEmpty && memory.summary == nil)
    }

    @Test(
        "The estimate grows with the text, and counts calls",
        arguments: [(Message.user(""), 4), (.user("12345678"), 6)])
    func estimates(_ message: Message, _ tokens: Int) {
        #expect(Memory.estimatedTokens(message) == tokens)
        #expect(Memory.estimatedTokens(.assistant(nil, toolCalls: [Self.call])) > 4)
    }
}
