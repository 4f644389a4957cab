import Testing

@testable import HTTP

/// The states behind the client and the server, without their effects.
@Suite struct StateTests {
    private func handling() -> ExchangeState {
        var state = ExchangeState(maximumBodyBytes: 10)
        _ = state.next { true }
        return state
    }

    @Test("Whatever ends a suspended request resumes it, and only the first one does")
    func resumedOnce() {
        let ends: [(inout ExchangeState) -> ExchangeState.Actions] = [
            { $0.answer(HTTPServerResponse()) }, { $0.deadlineReached(HTTPServerResponse(status: 504)) },
            { $0.abandon() },
        ]
        for first in ends {
            for second in ends {
                var state = handling()
                #expect(first(&state).resumes)
                #expect(second(&state).resumes == false)
            }
        }
    }

    @Test("A handler is cancelled when somebody else ends its request, not when it does")
    func cancelled() {
        var state = handling()
        #expect(!state.answer(HTTPServerResponse()).cancelsHandler)
        state = handling()
        #expect(state.deadlineReached(HTTPServerResponse()).cancelsHandler)
        state = handling()
        #expect(state.abandon().cancelsHandler)
    }

    @Test("A request that was abandoned before it was whole is never handled")
    func abandonedEarly() {
        var state = ExchangeState(maximumBodyBytes: 10)
        #expect(state.abandon() == ExchangeState.Actions())
        guard case .drop = state.next(admit: { true }) else {
            Issue.record("it was handled")
            return
        }
    }

    @Test("A body is kept up to the limit, thrown away beyond, and refused far beyond")
    func upload() {
        var state = ExchangeState(maximumBodyBytes: 10)
        #expect(state.receive(10) == .keep)
        #expect(!state.isBodyTooLarge)
        #expect(state.receive(1) == .discard)
        #expect(state.isBodyTooLarge)
        #expect(state.receive(state.maximumDiscardedBytes) == .refuse)
    }

    @Test("A host's transfers start in order, as those before them end")
    func hostQueue() {
        let keys = (0..<4).map { _ in Key() }
        let far = ContinuousClock.now + .seconds(60)
        var queue = HostQueue<Int>(limitPerHost: 1)
        func enter(_ number: Int, _ host: String, _ deadline: ContinuousClock.Instant) -> Bool {
            queue.enter(number, id: ObjectIdentifier(keys[number]), host: host, deadline: deadline)
        }
        #expect(enter(0, "a", far))
        #expect(!enter(1, "a", .now))
        #expect(!enter(2, "a", far))
        #expect(enter(3, "b", far))
        #expect(queue.waitingCount == 2)
        #expect(queue.removeExpired(at: .now) == [1])
        #expect(queue.nextDeadline == far)
        #expect(queue.remove(ObjectIdentifier(keys[3])) == nil)
        #expect(queue.leave(host: "a") == 2)
        #expect(queue.leave(host: "a") == nil)
        #expect(enter(1, "a", far))
        #expect(queue.nextDeadline == nil)
    }

    private final class Key {}
}
