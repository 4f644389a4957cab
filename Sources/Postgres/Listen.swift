import Platform
import Synchronization

public enum PostgresListenEvent: Sendable, Equatable {
    /// From now on nothing is missed, until the next `.subscribed`.
    case subscribed
    case notification(channel: String, payload: String, processID: Int32)
}

/// Keeps one subscribed connection alive, until its task is cancelled.
struct Subscription: Sendable {
    let connector: Connector
    let channels: [String]
    let keepAlive: Duration
    let onEvent: @Sendable (PostgresListenEvent) -> Void

    func run() async {
        var failures = 0
        while !Task.isCancelled {
            do {
                try await subscribe { failures = 0 }
            } catch  where !Task.isCancelled {
                failures += 1
                connector.logger.warning(
                    "the subscription was lost, subscribing again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: Backoff.delay(afterFailures: failures))
            } catch {
                break
            }
        }
    }

    /// Returns only by throwing: when the connection is lost, or the task is cancelled.
    private func subscribe(whenSubscribed: () -> Void) async throws {
        let (loss, lost) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let connection = try await connector.connect(
            onNotification: onEvent, onClose: { _ in lost.finish() })
        defer { connection.close() }
        try await connection.batch(channels.map { PostgresQuery(unsafe: "LISTEN \($0.quotedIdentifier)") })
        onEvent(.subscribed)
        whenSubscribed()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in loss {}
                throw PostgresError(.connection, "the connection was lost")
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: keepAlive)
                    try await connection.check(within: keepAlive)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}

/// The subscriptions of a client, so that closing it ends them.
final class Listeners: Sendable {
    private struct State {
        var nextID = 0
        var tasks: [Int: Task<Void, Never>] = [:]
        var isClosed = false
    }
    private let state = Mutex(State())

    /// Runs `body` until the stream's reader is gone or `close` is called; then ends the stream.
    func start<Event>(_ events: AsyncStream<Event>.Continuation, _ body: @escaping @Sendable () async -> Void) {
        let id: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.nextID += 1
            let id = state.nextID
            state.tasks[id] = Task {
                await body()
                events.finish()
                self.remove(id)
            }
            return id
        }
        guard let id else { return events.finish() }
        events.onTermination = { _ in self.remove(id)?.cancel() }
    }

    func close() {
        let tasks = state.withLock { state in
            state.isClosed = true
            defer { state.tasks = [:] }
            return state.tasks.values
        }
        for task in tasks { task.cancel() }
    }

    @discardableResult
    private func remove(_ id: Int) -> Task<Void, Never>? {
        state.withLock { $0.tasks.removeValue(forKey: id) }
    }
}
