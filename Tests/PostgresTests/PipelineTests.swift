import Testing

@testable import Postgres

/// The order of things on a connection, and when the server may be asked to cancel.
@Suite final class PipelineTests {
    private var pipeline = Pipeline<String>()

    private func send(_ ids: UInt64...) {
        for id in ids { pipeline.add(id, "\(id)") }
        while let command = pipeline.takeNext() { pipeline.sent(command) }
    }

    private func finish() -> [UInt64] { pipeline.finishCurrent().map(\.id) }

    /// The command's number when it had not been sent.
    private func cancel(_ id: UInt64) -> UInt64? { pipeline.cancel(id)?.id }

    private func requestCancel() -> Bool { pipeline.startCancelRequest() }

    private func endRequest() -> [UInt64] { pipeline.cancelRequestEnded().map(\.id) }

    private func sendAgain() -> [String]? { pipeline.sendCurrentAgain { $0 = "again" }?.map(\.item) }

    @Test("Commands are answered in the order in which they were sent")
    func order() {
        send(1, 2, 3)
        #expect(finish() == [1])
        #expect(finish() == [2])
        #expect(finish() == [3])
        #expect(finish() == [])
        #expect(pipeline.isEmpty)
    }

    @Test("A script waits for what is in flight, and what comes later waits for the script")
    func exclusive() {
        send(1)
        pipeline.add(2, "script", isExclusive: true)
        send(3)
        #expect(pipeline.inFlight.count == 1)
        _ = finish()
        send()
        #expect(pipeline.current == "script" && pipeline.inFlight.count == 1)
        _ = finish()
        send()
        #expect(pipeline.current == "3")
    }

    @Test("A command that was not sent is cancelled on the spot")
    func unsent() {
        pipeline.add(1, "1")
        #expect(cancel(1) == 1)
        #expect(pipeline.isEmpty && !requestCancel())
    }

    @Test("The server is not asked to cancel while another task's command is in flight")
    func others() {
        send(1, 2)
        #expect(cancel(1) == nil)
        #expect(!requestCancel())
        #expect(finish() == [1])
        #expect(!requestCancel())
        #expect(cancel(2) == nil)
        #expect(requestCancel())
    }

    @Test("While a cancel request is on its way nothing is sent and nobody is told")
    func underway() {
        send(1)
        _ = cancel(1)
        #expect(requestCancel())
        #expect(!requestCancel())
        send(2)
        #expect(pipeline.inFlight.count == 1)
        #expect(finish() == [])
        send()
        #expect(pipeline.inFlight.isEmpty)
        #expect(endRequest() == [1])
        send()
        #expect(pipeline.current == "2")
    }

    @Test("Nothing is sent behind a command that is to be cancelled, so that the request can be made")
    func behindCancelled() {
        send(1, 2)
        _ = cancel(2)
        send(3)
        #expect(pipeline.inFlight.count == 2)
        #expect(finish() == [1])
        #expect(requestCancel())
        #expect(finish() == [] && endRequest() == [2])
        send()
        #expect(pipeline.current == "3")
    }

    @Test("A command that is sent again keeps its place before those that wait, unless it was cancelled")
    func again() {
        send(1)
        pipeline.add(2, "2")
        #expect(sendAgain() == nil)
        send()
        #expect(pipeline.current == "again" && pipeline.inFlight.count == 2)
        _ = cancel(1)
        #expect(sendAgain() == ["again"])
    }

    @Test("Whoever waits hears of the end, whatever stage they are at")
    func end() {
        send(1, 2)
        _ = cancel(1)
        _ = cancel(2)
        _ = pipeline.startCancelRequest()
        _ = finish()
        pipeline.add(3, "3")
        let left = pipeline.removeAll().map(\.id)
        #expect(left == [1, 2, 3])
        #expect(pipeline.isEmpty && endRequest().isEmpty)
    }

    @Test("No more than a thousand commands are in flight")
    func limit() {
        for id in 1...1_100 { pipeline.add(UInt64(id), "") }
        send()
        #expect(pipeline.inFlight.count == 1_000 && pipeline.waiting.count == 100)
    }
}

@Suite struct StatementCacheTests {
    private func key(_ sql: String) -> StatementCache.Key { StatementCache.Key(sql: sql, types: [23]) }

    @Test("The least recently used statement makes room, and no name is used twice")
    func eviction() {
        var cache = StatementCache(capacity: 2)
        #expect(cache.use(key("a")) == .prepare("s1", evicted: nil))
        #expect(cache.use(key("b")) == .prepare("s2", evicted: nil))
        #expect(cache.use(key("a")) == .prepared("s1"))
        #expect(cache.use(key("c")) == .prepare("s4", evicted: "s2"))
        cache.forget("s1")
        #expect(cache.use(key("a")) == .prepare("s5", evicted: nil))
        cache.forgetAll()
        #expect(cache.use(key("a")) == .prepare("s6", evicted: nil))
    }

    @Test("The same text with other parameter types is another statement")
    func types() {
        var cache = StatementCache(capacity: 2)
        _ = cache.use(StatementCache.Key(sql: "a", types: [23]))
        #expect(cache.use(StatementCache.Key(sql: "a", types: [20])) == .prepare("s2", evicted: nil))
    }
}

@Suite struct FIFOTests {
    @Test("A queue keeps its order through any mix of changes at both ends")
    func order() {
        var queue = FIFO<Int>()
        var model: [Int] = []
        var generator = SystemRandomNumberGenerator()
        for step in 0..<20_000 {
            switch Int.random(in: 0..<9, using: &generator) {
            case 0...3:
                queue.append(step)
                model.append(step)
            case 4:
                queue.prepend(step)
                model.insert(step, at: 0)
            case 5:
                let victim = model.randomElement()
                #expect(queue.remove { $0 == victim } == victim)
                model.removeAll { $0 == victim }
            default:
                #expect(queue.popFirst() == (model.isEmpty ? nil : model.removeFirst()))
            }
            #expect(queue.count == model.count && queue.first == model.first && queue.last == model.last)
        }
        #expect(queue.removeAll() == model)
    }
}
