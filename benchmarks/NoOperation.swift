import Jobs
import Platform
import Postgres
import Synchronization

/// A job that does nothing.
struct NoOperation: Job {
    static let kind = "no_operation"
    let number: Int
}

/// Runs a worker while `body` measures.
func withWorker<Result: Sendable>(
    _ queue: JobQueue, _ registry: JobRegistry, _ bench: Bench, _ body: () async throws -> Result
) async throws -> Result {
    let worker = Worker(
        queue, registry: registry, configuration: Worker.Configuration(), metrics: MetricsRegistry(),
        logger: bench.logger)
    let running = Task { try await worker.run() }
    do {
        let result = try await body()
        worker.stop()
        try await running.value
        return result
    } catch {
        running.cancel()
        throw error
    }
}

/// Hands each start of a handler to the one who waits for it.
final class Starts: Sendable {
    private let waiters = Mutex<[Int: CheckedContinuation<ContinuousClock.Instant, Never>]>([:])

    func started(_ number: Int) {
        let now = ContinuousClock.now
        waiters.withLock { $0.removeValue(forKey: number) }?.resume(returning: now)
    }

    /// The start of the one that is waited for.
    func startedAny() {
        let now = ContinuousClock.now
        waiters.withLock { $0.popFirst()?.value }?.resume(returning: now)
    }

    /// Waits for the start of `number`, after `enqueue` has put it in.
    func wait(for number: Int, _ enqueue: @escaping @Sendable () async throws -> Void) async throws
        -> ContinuousClock.Instant
    {
        async let start = withCheckedContinuation { continuation in
            waiters.withLock { $0[number] = continuation }
        }
        while waiters.withLock({ $0[number] == nil }) { await Task.yield() }
        try await enqueue()
        return await start
    }
}
