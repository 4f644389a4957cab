/// The pool's bookkeeping, without connections, tasks or clocks: each event returns what to do.
///
/// A slot is a connection that is open or being opened. Waiters are served first come, first served.
struct PoolState<Connection, Waiter> {
    enum Acquired {
        /// Use this one.
        case lend(Connection)
        case refuse(PostgresError)
        /// Get into the line.
        case wait
    }

    enum Next {
        case nothing
        /// Hand the connection to the longest waiting.
        case hand(Connection, to: Waiter)
        /// The connection is not wanted back; when true, waiters need another one to be opened.
        case close(Connection, alsoOpen: Bool)
    }

    enum AfterFailure {
        /// Nobody waits: the slot is free again.
        case giveUp
        /// Somebody waits: try again after this many failures in a row.
        case tryAgain(failures: Int)
    }

    let maximum: Int
    let maximumWaiters: Int
    private(set) var idle: [Connection] = []
    private(set) var slots = 0
    private var waiters: [(id: UInt64, waiter: Waiter)] = []
    private var opening = 0
    private var failures = 0
    private var lastFailure: PostgresError?
    private(set) var isClosed = false

    init(maximum: Int, maximumWaiters: Int = 10_000) {
        self.maximum = max(1, maximum)
        self.maximumWaiters = maximumWaiters
    }

    /// Takes the most recently used connection, so that those that are not needed age.
    mutating func acquire(isUsable: (Connection) -> Bool) -> Acquired {
        guard !isClosed else { return .refuse(PostgresError(.closed, "the pool is closed")) }
        while let connection = idle.popLast() {
            if isUsable(connection) { return .lend(connection) }
            slots -= 1
        }
        guard waiters.count < maximumWaiters else {
            return .refuse(PostgresError(.poolTimeout, "\(waiters.count) tasks already wait for a connection"))
        }
        return .wait
    }

    /// Puts the caller into the line; true when another connection should be opened for it.
    mutating func enqueue(_ id: UInt64, _ waiter: Waiter) -> Bool {
        waiters.append((id, waiter))
        guard slots < maximum, opening < waiters.count else { return false }
        slots += 1
        opening += 1
        return true
    }

    mutating func opened(_ connection: Connection) -> Next {
        opening -= 1
        failures = 0
        lastFailure = nil
        return isClosed ? drop(connection) : place(connection)
    }

    mutating func openFailed(_ error: PostgresError) -> AfterFailure {
        failures += 1
        lastFailure = error
        guard !waiters.isEmpty, !isClosed else {
            opening -= 1
            slots -= 1
            return .giveUp
        }
        return .tryAgain(failures: failures)
    }

    mutating func released(_ connection: Connection, isUsable: Bool) -> Next {
        isUsable && !isClosed ? place(connection) : drop(connection)
    }

    /// The waiter, when it still waits: it is out of the line now. With the error that explains the wait.
    mutating func remove(_ id: UInt64) -> (Waiter, PostgresError?)? {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return nil }
        return (waiters.remove(at: index).waiter, lastFailure)
    }

    /// An idle connection ended by itself. False when it was not idle.
    mutating func lost(where isLost: (Connection) -> Bool) -> Bool {
        guard let index = idle.firstIndex(where: isLost) else { return false }
        idle.remove(at: index)
        slots -= 1
        return true
    }

    mutating func close() -> (idle: [Connection], waiters: [Waiter]) {
        isClosed = true
        defer {
            slots -= idle.count
            idle = []
            waiters = []
        }
        return (idle, waiters.map(\.waiter))
    }

    private mutating func place(_ connection: Connection) -> Next {
        if waiters.isEmpty {
            idle.append(connection)
            return .nothing
        }
        return .hand(connection, to: waiters.removeFirst().waiter)
    }

    private mutating func drop(_ connection: Connection) -> Next {
        guard !waiters.isEmpty, !isClosed else {
            slots -= 1
            return .close(connection, alsoOpen: false)
        }
        opening += 1
        return .close(connection, alsoOpen: true)
    }
}
