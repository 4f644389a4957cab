/// The pool's bookkeeping, without connections, tasks or clocks: each event returns what to do.
///
/// A connection is opened, is idle or lent or being checked, and is dropped. Waiters are served first come, first served. The
/// count of connections, those being opened included, never exceeds the maximum.
struct PoolState<Connection: AnyObject, Waiter> {
    typealias Instant = ContinuousClock.Instant

    struct Limits {
        var connections = 8
        /// More tasks than this are refused at once.
        var waiters = 10_000
        var acquireTimeout = Duration.seconds(5)
        /// An idle connection is asked for a sign of life after this long.
        var checkAfter = Duration.seconds(30)
        /// An idle connection that nobody has used for so long is closed.
        var idleTimeout = Duration.seconds(300)
        /// A connection is replaced at this age, plus up to a tenth: so a failover's returning server gets its share again.
        var lifetime = Duration.seconds(3_600)
    }

    enum Action {
        /// Try once to connect, after a wait.
        case open(after: Duration)
        case lend(Connection, to: Waiter)
        case fail(Waiter, PostgresError)
        /// It is out of the pool.
        case close(Connection)
        /// See whether it still answers, then call `checked`.
        case check(Connection)
        /// Call `tick` then.
        case wake(at: Instant)
        /// Nothing is left: `close` has done its work.
        case drained
    }

    private struct Slot {
        let connection: Connection
        let expiry: Instant
        var lastUse: Instant
        var lastSign: Instant
    }

    private struct Waiting {
        let id: UInt64
        let waiter: Waiter
        let deadline: Instant
    }

    private let limits: Limits
    /// Every open connection, whatever it does.
    private var slots: [ObjectIdentifier: Slot] = [:]
    /// The last one is lent next, so that those that are not needed age.
    private var idle: [ObjectIdentifier] = []
    private var waiting = FIFO<Waiting>()
    private var opening = 0
    private var failures = 0
    private var lastFailure: PostgresError?
    private var nextWake: Instant?
    private(set) var isClosed = false

    init(_ limits: Limits) {
        self.limits = limits
    }

    var connections: [Connection] { slots.values.map(\.connection) }

    // MARK: Borrowing

    /// An idle connection, without waiting.
    mutating func takeIdle(now: Instant) -> Connection? {
        guard let id = idle.popLast() else { return nil }
        slots[id]?.lastUse = now
        return slots[id]?.connection
    }

    /// Gets into the line, or gets what has become idle since.
    mutating func enqueue(_ id: UInt64, _ waiter: Waiter, now: Instant) -> [Action] {
        guard !isClosed else { return [.fail(waiter, Self.closedError)] }
        if let connection = takeIdle(now: now) { return [.lend(connection, to: waiter)] }
        guard waiting.count < limits.waiters else {
            return [.fail(waiter, PostgresError(.poolTimeout, "\(waiting.count) tasks already wait for a connection"))]
        }
        waiting.append(Waiting(id: id, waiter: waiter, deadline: now + limits.acquireTimeout))
        return openMore() + wakeNext()
    }

    /// The waiter's task was cancelled.
    mutating func cancel(_ id: UInt64) -> [Action] {
        guard let waiting = waiting.remove(where: { $0.id == id }) else { return [] }
        return [.fail(waiting.waiter, PostgresError(.cancelled, "cancelled while waiting for a connection"))]
    }

    mutating func released(_ connection: Connection, isUsable: Bool, now: Instant) -> [Action] {
        guard let slot = slots[ObjectIdentifier(connection)] else { return [] }
        guard isUsable, !isClosed, now < slot.expiry else { return drop(connection) }
        return place(connection, now: now)
    }

    // MARK: Opening

    mutating func opened(_ connection: Connection, jitter: Double, now: Instant) -> [Action] {
        opening -= 1
        failures = 0
        lastFailure = nil
        guard !isClosed else { return [.close(connection)] }
        let expiry = now + limits.lifetime * (1 + 0.1 * jitter)
        slots[ObjectIdentifier(connection)] = Slot(connection: connection, expiry: expiry, lastUse: now, lastSign: now)
        return place(connection, now: now) + openMore()
    }

    /// - Parameter jitter: a random number, 0 … 1.
    mutating func openFailed(_ error: PostgresError, jitter: Double) -> [Action] {
        opening -= 1
        failures += 1
        lastFailure = error
        if isClosed { return [] }
        // Nobody is helped by waiting for a server that will not let us in.
        if error.isRefusalForGood { return waiting.removeAll().map { .fail($0.waiter, error) } }
        guard opening == 0, !waiting.isEmpty else { return [] }
        opening += 1
        return [.open(after: Backoff.delay(afterFailures: failures, jitter: jitter))]
    }

    /// While connecting fails, one attempt at a time tells whether the server is back.
    private mutating func openMore() -> [Action] {
        var actions: [Action] = []
        let most = failures == 0 ? waiting.count : min(1, waiting.count)
        while opening < most, slots.count + opening < max(1, limits.connections) {
            opening += 1
            actions.append(.open(after: .zero))
        }
        return actions
    }

    // MARK: What happens by itself

    /// A connection has ended by itself. One that is lent comes back by `released`.
    mutating func lost(_ connection: Connection) -> [Action] {
        guard let index = idle.firstIndex(of: ObjectIdentifier(connection)) else { return [] }
        idle.remove(at: index)
        return drop(connection)
    }

    mutating func checked(_ connection: Connection, isAlive: Bool, now: Instant) -> [Action] {
        slots[ObjectIdentifier(connection)]?.lastSign = now
        let lastUse = slots[ObjectIdentifier(connection)]?.lastUse
        let actions = released(connection, isUsable: isAlive, now: now)
        // Being checked is not being used: put the old time back when it is idle again.
        if let lastUse, idle.last == ObjectIdentifier(connection) {
            slots[ObjectIdentifier(connection)]?.lastUse = lastUse
        }
        return actions
    }

    /// Fails who has waited too long, closes what is too old, checks what has been quiet.
    mutating func tick(now: Instant) -> [Action] {
        nextWake = nil
        var actions: [Action] = []
        while let first = waiting.first, first.deadline <= now {
            _ = waiting.popFirst()
            actions.append(.fail(first.waiter, timeoutError))
        }
        for id in idle {
            guard let slot = slots[id] else { continue }
            if slot.expiry <= now || slot.lastUse + limits.idleTimeout <= now {
                idle.removeAll { $0 == id }
                actions += drop(slot.connection)
            } else if max(slot.lastUse, slot.lastSign) + limits.checkAfter <= now {
                idle.removeAll { $0 == id }
                actions.append(.check(slot.connection))
            }
        }
        return actions + wakeNext()
    }

    // MARK: Ending

    /// No more lending. What is lent may come back; `.drained` says when all has.
    mutating func close() -> [Action] {
        guard !isClosed else { return drainedIfSo() }
        isClosed = true
        let waiters = waiting.removeAll().map { Action.fail($0.waiter, Self.closedError) }
        let connections = idle.compactMap { slots.removeValue(forKey: $0) }.map { Action.close($0.connection) }
        idle = []
        return waiters + connections + drainedIfSo()
    }

    // MARK: Inside

    private static var closedError: PostgresError { PostgresError(.closed, "the pool is closed") }

    private var timeoutError: PostgresError {
        if var error = lastFailure {
            error.message = "could not connect within \(limits.acquireTimeout): \(error.message)"
            return error
        }
        let reason = opening > 0 ? "opening one takes too long" : "all \(slots.count) are in use"
        return PostgresError(.poolTimeout, "no connection became free within \(limits.acquireTimeout): \(reason)")
    }

    private mutating func place(_ connection: Connection, now: Instant) -> [Action] {
        slots[ObjectIdentifier(connection)]?.lastUse = now
        if let next = waiting.popFirst() { return [.lend(connection, to: next.waiter)] }
        idle.append(ObjectIdentifier(connection))
        return wakeNext()
    }

    private mutating func drop(_ connection: Connection) -> [Action] {
        slots[ObjectIdentifier(connection)] = nil
        return [.close(connection)] + (isClosed ? drainedIfSo() : openMore())
    }

    /// A connection that is still being opened is closed when it comes; nobody has to wait for that.
    private func drainedIfSo() -> [Action] { isClosed && slots.isEmpty ? [.drained] : [] }

    /// Asks to be woken at the next deadline, unless that is arranged already.
    private mutating func wakeNext() -> [Action] {
        let idleEvents = idle.compactMap { slots[$0] }.map { slot in
            min(slot.expiry, slot.lastUse + limits.idleTimeout, max(slot.lastUse, slot.lastSign) + limits.checkAfter)
        }
        guard let next = (idleEvents + [waiting.first?.deadline].compactMap { $0 }).min() else { return [] }
        if let nextWake, nextWake <= next { return [] }
        nextWake = next
        return [.wake(at: next)]
    }
}

/// 50 ms doubling to 3 s, half of it random, so that many processes do not come back at once.
enum Backoff {
    /// - Parameter jitter: a random number, 0 … 1.
    static func delay(afterFailures failures: Int, jitter: Double = .random(in: 0...1)) -> Duration {
        .milliseconds(Double(min(3_000, 50 << min(failures - 1, 6))) * (0.5 + jitter / 2))
    }
}
