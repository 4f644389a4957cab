import Platform
import Postgres

/// Looks at the database's schema once it can be reached, and then does nothing until it is stopped. A database that is
/// down when a process starts is no reason to end: it may be the one that starts later.
struct SchemaGate: Service {
    let database: Database
    let logger: Logger

    /// Throws when the schema is not the one that this executable knows.
    func run() async throws {
        let (stops, stop) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        guard try await waitForSchema() else { return }
        await withGracefulStopHandler {
            for await _ in stops {}
        } onGracefulStop: {
            stop.finish()
        }
    }

    /// False when a graceful stop came first.
    func waitForSchema() async throws -> Bool {
        do {
            try await cancelOnGracefulStop { try await waitUntilReached() }
            return true
        } catch is CancellationError {
            try Task.checkCancellation()
            return false
        }
    }

    private func waitUntilReached() async throws {
        while true {
            do {
                return try await database.requireCurrentSchema()
            } catch let error as PostgresError where error.isTransient {
                logger.warning("waiting for the database", metadata: ["error": "\(error)"])
            }
            try await Task.sleep(for: .seconds(1))
        }
    }
}

/// Makes services and runs them, when the gate lets them through. Made here, they find signals already handled: whoever
/// hears that they listen may stop them.
struct DeferredServices: Service {
    /// Nil is always open.
    let gate: SchemaGate?
    let services: @Sendable () throws -> [any Service]
    let logger: Logger

    func run() async throws {
        // What is wrong with the configuration is said before the wait.
        let services = try services()
        if let gate, try await !gate.waitForSchema() { return }
        logger.info("started")
        try await ServiceGroup(services: services, handlesSignals: false, logger: logger).run()
    }
}
