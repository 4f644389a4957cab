/// The connections of a server and what goes on in each, without effects.
///
/// `running` → `draining` (no new connections, what is under way goes on) → `stopped` (nothing may be suspended any more).
struct ServerState {
    enum Phase: Comparable { case running, draining, stopped }

    private struct Connection {
        let socket: Int32
        let remoteAddress: String
        /// When it was opened, or its last request ended.
        var idleSince: ContinuousClock.Instant
        var exchange: Exchange?
        /// The client has closed its side.
        var isGone = false
    }

    /// What the server's thread does about time.
    struct Due {
        var exchanges: [Exchange] = []
        /// Of connections that have sent no request line for too long.
        var sockets: [Int32] = []
        var next: ContinuousClock.Instant?
    }

    private(set) var phase = Phase.running
    private var connections: [UInt64: Connection] = [:]
    private var nextID: UInt64 = 1
    private var activeExchanges = 0
    private var handlers = 0
    /// Accepted, libmicrohttpd's own waiting list included.
    private var accepted = 0
    private var nextWake: ContinuousClock.Instant?
    let maximumConnections: Int
    let maximumHandlers: Int
    let requestDeadline: Duration
    let idleLimit: Duration

    init(maximumConnections: Int, maximumHandlers: Int, requestDeadline: Duration, idleLimit: Duration) {
        self.maximumConnections = maximumConnections
        self.maximumHandlers = maximumHandlers
        self.requestDeadline = requestDeadline
        self.idleLimit = idleLimit
    }
}

/// Connections.
extension ServerState {
    var mayAccept: Bool { phase == .running && accepted < maximumConnections }

    mutating func acceptedOne() { accepted += 1 }

    /// libmicrohttpd did not want it.
    mutating func acceptFailed() { accepted -= 1 }

    mutating func open(socket: Int32, remoteAddress: String, at now: ContinuousClock.Instant) -> UInt64 {
        defer { nextID += 1 }
        connections[nextID] = Connection(socket: socket, remoteAddress: remoteAddress, idleSince: now)
        return nextID
    }

    /// True when the server's thread waits for that: it stopped accepting at the limit.
    mutating func close(_ id: UInt64) -> Bool {
        connections[id] = nil
        accepted -= 1
        return accepted == maximumConnections - 1
    }

    func remoteAddress(of id: UInt64) -> String { connections[id]?.remoteAddress ?? "" }

    /// The request to abandon, if one is under way on the connection.
    mutating func clientLeft(_ id: UInt64) -> Exchange? {
        connections[id]?.isGone = true
        return connections[id]?.exchange
    }
}

/// Requests.
extension ServerState {
    /// A request line has come.
    mutating func begin(_ exchange: Exchange) -> (isAbandoned: Bool, wakes: Bool) {
        activeExchanges += 1
        connections[exchange.connectionID]?.exchange = exchange
        let isGone = connections[exchange.connectionID]?.isGone ?? true
        return (phase == .stopped || isGone, scheduleWake(exchange.deadline))
    }

    /// True when the server's thread waits for the last one.
    mutating func end(_ exchange: Exchange, at now: ContinuousClock.Instant) -> Bool {
        activeExchanges -= 1
        connections[exchange.connectionID]?.exchange = nil
        connections[exchange.connectionID]?.idleSince = now
        return phase != .running && activeExchanges == 0
    }

    /// False above the limit.
    mutating func admitHandler() -> Bool {
        guard handlers < maximumHandlers else { return false }
        handlers += 1
        return true
    }

    mutating func handlerEnded() { handlers -= 1 }

    var hasActiveExchanges: Bool { activeExchanges > 0 }
}

/// Time.
extension ServerState {
    private mutating func scheduleWake(_ instant: ContinuousClock.Instant) -> Bool {
        if let nextWake, nextWake <= instant { return false }
        nextWake = instant
        return true
    }

    mutating func due(at now: ContinuousClock.Instant) -> Due {
        var due = Due()
        for connection in connections.values {
            let limit = connection.exchange?.deadline ?? connection.idleSince + idleLimit
            if limit > now {
                due.next = min(due.next ?? limit, limit)
            } else if let exchange = connection.exchange {
                due.exchanges.append(exchange)
            } else {
                due.sockets.append(connection.socket)
            }
        }
        nextWake = due.next
        return due
    }
}

/// Stopping.
extension ServerState {
    mutating func drain() { phase = max(phase, .draining) }

    /// Every request under way, to be abandoned.
    mutating func stop() -> [Exchange] {
        phase = .stopped
        return connections.values.compactMap(\.exchange)
    }
}
