public import Jobs
public import Platform
import Postgres

/// A worker whose process says what the provider's account allows. All processes are configured alike: the one that started
/// last is right.
public struct LimitedWorker: Service {
    private let worker: Worker
    private let services: CallServices

    public init(_ worker: Worker, services: CallServices) {
        self.worker = worker
        self.services = services
    }

    /// Sets the limits, then works until it is stopped.
    public func run() async throws {
        do {
            try await cancelOnGracefulStop { try await setLimits() }
        } catch is CancellationError {
            return try Task.checkCancellation()
        }
        try await worker.run()
    }

    private func setLimits() async throws {
        let settings = services.settings
        while true {
            do {
                try await services.postgres.query(
                    """
                    SELECT set_call_limit('provider', \(settings.providerConcurrentCalls)::int,
                        \(settings.providerCallsPerSecond))
                    """)
                return
            } catch let error as PostgresError where error.isTransient {
                services.logger.warning("the provider's limits wait", metadata: ["error": "\(error)"])
            }
            try await Task.sleep(for: .seconds(1))
        }
    }
}
