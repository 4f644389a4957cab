import Platform
import Synchronization

/// Carries out what `PoolState` decides.
final class ConnectionPool: Sendable {
    private typealias State = PoolState<PostgresConnection, CheckedContinuation<PostgresConnection, any Error>>

    let connector: Connector
    private let checkLimit: Duration
    private let state: Mutex<State>
    private let drained = Mutex(Drained())
    private let lastWaiter = Atomic<UInt64>(0)

    private struct Drained {
        var isDrained = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    init(_ configuration: PostgresConfiguration, connector: Connector) {
        self.connector = connector
        checkLimit = configuration.connectTimeout
        state = Mutex(
            State(
                PoolState.Limits(
                    connections: configuration.maximumConnections, acquireTimeout: configuration.acquireTimeout,
                    checkAfter: configuration.idleCheck, idleTimeout: configuration.idleTimeout,
                    lifetime: configuration.maximumLifetime)))
    }

    deinit {
        for connection in state.withLock({ $0.connections }) { connection.close() }
    }

    func acquire() async throws -> PostgresConnection {
        if Task.isCancelled { throw PostgresError(.cancelled, "cancelled while waiting for a connection") }
        let now = ContinuousClock.now
        while let connection = state.withLock({ $0.takeIdle(now: now) }) {
            if connection.isUsable { return connection }
            // It ended just now, and the loop has not told yet.
            change { $0.released(connection, isUsable: false, now: now) }
        }
        return try await wait()
    }

    private func wait() async throws -> PostgresConnection {
        let id = lastWaiter.add(1, ordering: .relaxed).newValue
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                change { $0.enqueue(id, continuation, now: .now) }
                // The cancellation handler may have run before there was anybody in the line.
                if Task.isCancelled { change { $0.cancel(id) } }
            }
        } onCancel: {
            change { $0.cancel(id) }
        }
    }

    /// Gives a connection back, clean: an open transaction is rolled back first; whatever is doubtful is closed.
    func release(_ connection: PostgresConnection) {
        let isUsable = connection.isUsable && !connection.isBusy
        guard isUsable, connection.isInTransaction else {
            return change { $0.released(connection, isUsable: isUsable, now: .now) }
        }
        Task {
            try? await connection.rollBack()
            let isClean = connection.isUsable && !connection.isInTransaction
            change { $0.released(connection, isUsable: isClean, now: .now) }
        }
    }

    /// Lends no more, waits for what is lent until `limit`, then closes all.
    func close(within limit: Duration) async {
        change { $0.close() }
        let timer = Task {
            try await Task.sleep(for: limit)
            endDraining()
        }
        await withCheckedContinuation { continuation in
            let isDrained = drained.withLock { drained in
                if !drained.isDrained { drained.waiter = continuation }
                return drained.isDrained
            }
            if isDrained { continuation.resume() }
        }
        timer.cancel()
        for connection in state.withLock({ $0.connections }) { connection.close() }
    }

    private func endDraining() {
        let waiter = drained.withLock { drained in
            drained.isDrained = true
            defer { drained.waiter = nil }
            return drained.waiter
        }
        waiter?.resume()
    }

    // MARK: Carrying out

    private func change(_ event: (inout State) -> [State.Action]) {
        for action in state.withLock({ event(&$0) }) { perform(action) }
    }

    private func perform(_ action: State.Action) {
        switch action {
        case .lend(let connection, let waiter): waiter.resume(returning: connection)
        case .fail(let waiter, let error): waiter.resume(throwing: error)
        case .close(let connection): connection.close()
        case .open(let delay): open(after: delay)
        case .check(let connection): check(connection)
        case .wake(let instant): wake(at: instant)
        case .drained: endDraining()
        }
    }

    private func open(after delay: Duration) {
        Task { [connector] in
            try? await Task.sleep(for: delay)
            do {
                let connection = try await connector.connect(onClose: { [weak self] connection in
                    self?.change { $0.lost(connection) }
                })
                change { $0.opened(connection, jitter: .random(in: 0...1), now: .now) }
            } catch {
                let error = error as? PostgresError ?? PostgresError(.connection, "\(error)")
                connector.logger.warning("cannot connect to PostgreSQL", metadata: ["error": error.description])
                change { $0.openFailed(error, jitter: .random(in: 0...1)) }
            }
        }
    }

    private func check(_ connection: PostgresConnection) {
        Task {
            try? await connection.check(within: checkLimit)
            change { $0.checked(connection, isAlive: connection.isUsable, now: .now) }
        }
    }

    private func wake(at instant: ContinuousClock.Instant) {
        Task { [weak self] in
            try await Task.sleep(until: instant, clock: .continuous)
            self?.change { $0.tick(now: .now) }
        }
    }
}
