import Platform
import Synchronization

/// Carries out what `PoolState` decides: opens connections with backoff, times waiters out, closes what is not clean.
final class ConnectionPool: Sendable {
    private typealias Waiter = CheckedContinuation<PostgresConnection, any Error>

    let loop = EventLoop()
    private let connector: Connector
    private let logger: Logger
    private let state: Mutex<PoolState<PostgresConnection, Waiter>>
    private let lastWaiter = Atomic<UInt64>(0)

    init(_ configuration: PostgresConfiguration, logger: Logger) {
        connector = Connector(configuration: configuration)
        self.logger = logger
        state = Mutex(PoolState(maximum: configuration.maximumConnections))
    }

    deinit { loop.stop() }

    var isDrained: Bool { state.withLock { $0.slots == 0 } }

    func acquire() async throws -> PostgresConnection {
        try Task.checkCancellation()
        switch state.withLock({ $0.acquire { $0.isUsable } }) {
        case .lend(let connection): return connection
        case .refuse(let error): throw error
        case .wait: return try await wait()
        }
    }

    private func wait() async throws -> PostgresConnection {
        let id = lastWaiter.add(1, ordering: .relaxed).newValue
        let limit = connector.configuration.acquireTimeout
        let timer = Task { [weak self] in
            try await Task.sleep(for: limit)
            self?.fail(id, PostgresError(.poolTimeout, "no connection became free within \(limit)"))
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (alsoOpen, isClosed) = state.withLock { ($0.enqueue(id, continuation), $0.isClosed) }
                if alsoOpen { open() }
                if isClosed { fail(id, PostgresError(.closed, "the pool is closed")) }
                if Task.isCancelled { fail(id, PostgresError(.cancelled, "cancelled while waiting for a connection")) }
            }
        } onCancel: {
            fail(id, PostgresError(.cancelled, "cancelled while waiting for a connection"))
        }
    }

    private func fail(_ id: UInt64, _ error: PostgresError) {
        guard let (waiter, cause) = state.withLock({ $0.remove(id) }) else { return }
        var error = error
        if let cause, error.code == .poolTimeout { error.message += "; the last attempt to connect: \(cause.message)" }
        waiter.resume(throwing: error)
    }

    /// Gives a connection back. One with an open transaction is rolled back first; when that fails it is closed.
    func release(_ connection: PostgresConnection) {
        guard connection.isUsable, connection.isInTransaction else { return settle(connection) }
        Task {
            do { try await connection.query("ROLLBACK") } catch { connection.close() }
            settle(connection)
        }
    }

    private func settle(_ connection: PostgresConnection) {
        let isUsable = connection.isUsable
        carryOut(state.withLock { $0.released(connection, isUsable: isUsable) })
    }

    private func carryOut(_ next: PoolState<PostgresConnection, Waiter>.Next) {
        switch next {
        case .nothing: break
        case .hand(let connection, let waiter): waiter.resume(returning: connection)
        case .close(let connection, let alsoOpen):
            connection.close()
            if alsoOpen { open() }
        }
    }

    /// Opens one connection in the background, again and again while somebody waits for it.
    private func open() {
        Task {
            while true {
                do {
                    let connection = try await connector.connect(on: loop, onClose: { [weak self] in self?.lost($0) })
                    return carryOut(state.withLock { $0.opened(connection) })
                } catch {
                    let error = error as? PostgresError ?? PostgresError(.connection, "\(error)")
                    guard case .tryAgain(let failures) = state.withLock({ $0.openFailed(error) }) else { return }
                    logger.warning("cannot connect to PostgreSQL, trying again", metadata: ["error": error.description])
                    try? await Task.sleep(for: Backoff.delay(afterFailures: failures))
                }
            }
        }
    }

    private func lost(_ connection: PostgresConnection) {
        _ = state.withLock { $0.lost { $0 === connection } }
    }

    func close() {
        let (idle, waiters) = state.withLock { $0.close() }
        for waiter in waiters { waiter.resume(throwing: PostgresError(.closed, "the pool is closed")) }
        for connection in idle { connection.close() }
    }
}

/// 50 ms doubling to 3 s, half of it random, so that many processes do not come back at once.
enum Backoff {
    static func delay(afterFailures failures: Int) -> Duration {
        let full = min(3_000, 50 * (1 << min(failures, 10)))
        return .milliseconds(full / 2 + Int.random(in: 0...(full / 2)))
    }
}
