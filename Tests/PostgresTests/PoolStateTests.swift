import Testing

@testable import Postgres

/// The pool's decisions, on a clock of the test's own.
@Suite struct PoolStateTests {
    private final class Fake {}

    private typealias State = PoolState<Fake, String>
    private let start = ContinuousClock.now
    private let limits: State.Limits = {
        var limits = State.Limits()
        limits.connections = 2
        limits.waiters = 3
        return limits
    }()

    /// What the actions say, in words.
    private func words(_ actions: [State.Action]) -> [String] {
        actions.map { action in
            switch action {
            case .open(let delay): delay == .zero ? "open" : "open later"
            case .lend(_, let waiter): "lend to \(waiter)"
            case .fail(let waiter, let error): "fail \(waiter): \(error.code)"
            case .close: "close"
            case .check: "check"
            case .wake: "wake"
            case .drained: "drained"
            }
        }
    }

    private func opened(_ state: inout State, _ connection: Fake) -> [String] {
        words(state.opened(connection, jitter: 0, now: start)).filter { $0 != "wake" }
    }

    @Test("Connections are opened for those who wait, up to the limit, and lent first come, first served")
    func lending() {
        var state = State(limits)
        #expect(words(state.enqueue(1, "a", now: start)) == ["open", "wake"])
        #expect(words(state.enqueue(2, "b", now: start)) == ["open"])
        #expect(words(state.enqueue(3, "c", now: start)) == [])
        #expect(words(state.enqueue(4, "d", now: start)) == ["fail d: poolTimeout"])
        let (one, two) = (Fake(), Fake())
        #expect(opened(&state, one) == ["lend to a"])
        #expect(opened(&state, two) == ["lend to b"])
        #expect(words(state.released(one, isUsable: true, now: start)) == ["lend to c"])
        #expect(words(state.released(two, isUsable: true, now: start)).filter { $0 != "wake" } == [])
        #expect(state.takeIdle(now: start) === two)
        #expect(state.takeIdle(now: start) == nil)
    }

    @Test("A connection that came back between two looks is not missed")
    func noLostWakeup() {
        var state = State(limits)
        _ = state.enqueue(1, "a", now: start)
        let connection = Fake()
        _ = opened(&state, connection)
        _ = state.released(connection, isUsable: true, now: start)
        #expect(words(state.enqueue(2, "b", now: start)) == ["lend to b"])
    }

    @Test("A broken connection is replaced when somebody waits")
    func replacement() {
        var state = State(limits)
        let (one, two) = (Fake(), Fake())
        _ = state.enqueue(1, "a", now: start)
        _ = state.enqueue(2, "b", now: start)
        _ = opened(&state, one)
        _ = opened(&state, two)
        _ = state.enqueue(3, "c", now: start)
        #expect(words(state.released(one, isUsable: false, now: start)) == ["close", "open"])
        #expect(words(state.released(two, isUsable: false, now: start)) == ["close"])
    }

    @Test("While connecting fails, one attempt at a time goes on with growing waits, until nobody waits")
    func backoff() {
        var state = State(limits)
        _ = state.enqueue(1, "a", now: start)
        _ = state.enqueue(2, "b", now: start)
        let refused = PostgresError(.connection, "refused")
        #expect(words(state.openFailed(refused, jitter: 0)) == [])
        #expect(words(state.openFailed(refused, jitter: 0)) == ["open later"])
        #expect(words(state.enqueue(3, "c", now: start)) == [])
        #expect(
            words(state.tick(now: start + .seconds(5))) == [
                "fail a: connection", "fail b: connection", "fail c: connection",
            ])
        #expect(words(state.openFailed(refused, jitter: 0)) == [])
        #expect(words(state.enqueue(4, "d", now: start)).contains("open"))
    }

    @Test("The waits double from 50 ms to 3 s, at least half of each being certain")
    func delays() {
        #expect(
            (1...9).map { Backoff.delay(afterFailures: $0, jitter: 1) }
                == [50, 100, 200, 400, 800, 1_600, 3_000, 3_000, 3_000].map { .milliseconds($0) })
        #expect(Backoff.delay(afterFailures: 1, jitter: 0) == .milliseconds(25))
    }

    @Test("A refusal for good fails everybody at once")
    func refusal() {
        var state = State(limits)
        _ = state.enqueue(1, "a", now: start)
        _ = state.enqueue(2, "b", now: start)
        var error = PostgresError(.connection, "no such database")
        error.sqlState = "3D000"
        #expect(words(state.openFailed(error, jitter: 0)) == ["fail a: connection", "fail b: connection"])
    }

    @Test("Waiters time out in order, cancelled ones are forgotten")
    func timeouts() {
        var state = State(limits)
        let connection = Fake()
        _ = state.enqueue(0, "first", now: start)
        _ = opened(&state, connection)
        _ = state.enqueue(1, "a", now: start)
        _ = state.enqueue(2, "b", now: start + .seconds(1))
        #expect(words(state.cancel(1)) == ["fail a: cancelled"])
        #expect(words(state.cancel(1)) == [])
        #expect(words(state.tick(now: start + .seconds(5))) == ["wake"])
        #expect(words(state.tick(now: start + .seconds(6))) == ["fail b: poolTimeout"])
    }

    @Test("A quiet connection is checked, one that nobody needs is closed, an old one is replaced when it comes back")
    func ageing() {
        var state = State(limits)
        let connection = Fake()
        _ = state.enqueue(1, "a", now: start)
        _ = opened(&state, connection)
        _ = state.released(connection, isUsable: true, now: start)
        #expect(words(state.tick(now: start + .seconds(29))) == ["wake"])
        #expect(words(state.tick(now: start + .seconds(30))) == ["check"])
        #expect(state.takeIdle(now: start) == nil)
        #expect(words(state.checked(connection, isAlive: true, now: start + .seconds(31))) == ["wake"])
        // Being checked did not make it younger.
        #expect(words(state.tick(now: start + .seconds(300))) == ["close"])

        let old = Fake()
        _ = state.enqueue(2, "b", now: start)
        _ = opened(&state, old)
        #expect(words(state.released(old, isUsable: true, now: start + .seconds(3_600))) == ["close"])
    }

    @Test("A connection that does not answer its check is closed")
    func deadCheck() {
        var state = State(limits)
        let connection = Fake()
        _ = state.enqueue(1, "a", now: start)
        _ = opened(&state, connection)
        _ = state.released(connection, isUsable: true, now: start)
        _ = state.tick(now: start + .seconds(30))
        #expect(words(state.lost(connection)) == [])
        #expect(words(state.checked(connection, isAlive: false, now: start + .seconds(31))) == ["close"])
    }

    @Test("Closing refuses newcomers, and is done when everything has come back")
    func closing() {
        var state = State(limits)
        let (lent, idle) = (Fake(), Fake())
        _ = state.enqueue(1, "a", now: start)
        _ = state.enqueue(2, "b", now: start)
        _ = opened(&state, lent)
        _ = opened(&state, idle)
        _ = state.released(idle, isUsable: true, now: start)
        #expect(words(state.close()) == ["close"])
        #expect(words(state.enqueue(3, "c", now: start)) == ["fail c: closed"])
        #expect(words(state.released(lent, isUsable: true, now: start)) == ["close", "drained"])
    }
}
