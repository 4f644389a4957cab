import Synchronization

/// Thrown by `withTimeLimit` when the time is up.
struct TimeLimitExceeded: Error {}

/// Runs `work` and stops waiting for it after `limit`. The work's task is cancelled then; when it ignores that, it goes on
/// alone and its result is dropped. Throws `CancellationError` at once when the calling task is cancelled.
func withTimeLimit<Value: Sendable>(
    _ limit: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let end = ContinuousClock.now + limit
    let first = FirstResult<Value>()
    let worker = Task {
        do {
            first.settle(.success(try await work()))
        } catch {
            first.settle(.failure(error))
        }
    }
    defer { worker.cancel() }
    // Work that waits for nobody has ended by now: it needs no timer, whose start and end would cost more than it did.
    await Task.yield()
    if let result = first.settled() { return try result.get() }
    // It has nothing to do but to sleep: it need not wait for a thread first.
    let timer = Task.immediate {
        // A cancelled timer has lost the race: nothing to settle.
        guard (try? await Task.sleep(until: end)) != nil else { return }
        first.settle(.failure(TimeLimitExceeded()))
    }
    defer { timer.cancel() }
    return try await withTaskCancellationHandler {
        try await first.value()
    } onCancel: {
        first.settle(.failure(CancellationError()))
    }
}

/// The first of several results, for one waiter.
private final class FirstResult<Value: Sendable>: Sendable {
    private enum State {
        /// To `.waiting` or `.settled`.
        case open
        /// To `.taken`.
        case waiting(CheckedContinuation<Value, any Error>)
        /// To `.taken`.
        case settled(Result<Value, any Error>)
        case taken

        mutating func take() -> Result<Value, any Error>? {
            guard case .settled(let result) = self else { return nil }
            self = .taken
            return result
        }
    }

    private let state = Mutex(State.open)

    /// The first call wins; later ones do nothing.
    func settle(_ result: Result<Value, any Error>) {
        let waiter: CheckedContinuation<Value, any Error>? = state.withLock { state in
            switch state {
            case .open: state = .settled(result)
            case .waiting(let continuation):
                state = .taken
                return continuation
            case .settled, .taken: break
            }
            return nil
        }
        waiter?.resume(with: result)
    }

    /// Takes the result when there is one.
    func settled() -> Result<Value, any Error>? { state.withLock { $0.take() } }

    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let result: Result<Value, any Error>? = state.withLock { state in
                if let result = state.take() { return result }
                state = .waiting(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }
}
