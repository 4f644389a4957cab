import Platform

public enum PostgresListenEvent: Sendable, Equatable {
    case subscribed
    case notification(channel: String, payload: String, processID: Int32)
}

/// Keeps one subscribed connection alive.
struct Listener: Sendable {
    let connector: Connector
    let loop: EventLoop
    let channels: [String]
    let keepAlive: Duration
    let logger: Logger

    func events(keeping owner: PostgresClient) -> AsyncStream<PostgresListenEvent> {
        let (stream, events) = AsyncStream.makeStream(
            of: PostgresListenEvent.self, bufferingPolicy: .bufferingNewest(10_000))
        // The client owns the loop's thread, so it must outlive the subscription.
        let task = Task {
            var failures = 0
            while !Task.isCancelled {
                do {
                    try await subscribe(events) { failures = 0 }
                } catch  where !Task.isCancelled {
                    failures += 1
                    logger.warning("the subscription was lost, subscribing again", metadata: ["error": "\(error)"])
                    try? await Task.sleep(for: Backoff.delay(afterFailures: failures))
                } catch {}
            }
            withExtendedLifetime(owner) {}
            events.finish()
        }
        events.onTermination = { _ in task.cancel() }
        return stream
    }

    private func subscribe(
        _ events: AsyncStream<PostgresListenEvent>.Continuation, whenSubscribed: () -> Void
    ) async throws {
        let connection = try await connector.connect(on: loop, onNotification: { events.yield($0) })
        defer { connection.close() }
        for channel in channels {
            let quoted = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
            try await connection.query(PostgresQuery(unsafe: "LISTEN \"\(quoted)\""))
        }
        events.yield(.subscribed)
        whenSubscribed()
        while true {
            try await Task.sleep(for: keepAlive)
            try await withTimeLimit(keepAlive) {
                _ = try await connection.query("SELECT")
            } onTimeout: {
                connection.close(PostgresError(.connection, "the server does not answer any more"))
            }
        }
    }

    /// A half-open socket never answers: closing our end fails the query that waits.
    private func withTimeLimit(
        _ limit: Duration, _ body: () async throws -> Void, onTimeout: @escaping @Sendable () -> Void
    ) async throws {
        let timer = Task {
            try await Task.sleep(for: limit)
            onTimeout()
        }
        defer { timer.cancel() }
        try await body()
    }
}
