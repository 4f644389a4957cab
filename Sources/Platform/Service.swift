/// A long-running part of a process: `run()` returns when its task is cancelled or it was asked to stop gracefully.
///
/// The shape of swift-service-lifecycle, so that it can take this one's place.
public protocol Service: Sendable {
    func run() async throws
}

/// Runs services until a signal: a graceful stop first, then cancellation, then the end of the process, each with a
/// limit.
public struct ServiceGroup: Sendable {
    public init(
        services: [any Service], gracefulStopLimit: Duration = .seconds(20), cancellationLimit: Duration = .seconds(5),
        logger: Logger
    ) {
        fatalError("skeleton")
    }

    /// Starts the services in order. On SIGTERM or SIGINT they are asked to stop in reverse order; a second signal ends the
    /// process at once. Throws the first error that a service ended with.
    public func run() async throws { fatalError("skeleton") }
}

/// Runs `operation`, and `handler` once when a graceful stop is asked of the service group around it.
public func withGracefulStopHandler<Result: Sendable>(
    _ operation: @Sendable () async throws -> Result, onGracefulStop handler: @escaping @Sendable () -> Void
) async rethrows -> Result { fatalError("skeleton") }
