import Synchronization

/// Carries a script's events from the event loop to the one task that waits for them.
///
/// It is bounded by the protocol: at most one event of each kind is on its way.
final class ScriptMailbox: Sendable {
    private struct State {
        var events = FIFO<Result<ScriptEvent, any Error>>()
        var waiter: CheckedContinuation<ScriptEvent, any Error>?
    }
    private let state = Mutex(State())

    func put(_ event: Result<ScriptEvent, any Error>) {
        let waiter = state.withLock { state in
            defer { state.waiter = nil }
            if state.waiter == nil { state.events.append(event) }
            return state.waiter
        }
        waiter?.resume(with: event)
    }

    /// The next event. Not ended by cancellation: who cancels makes an event come.
    func next() async throws -> ScriptEvent {
        try await withCheckedThrowingContinuation { continuation in
            let event = state.withLock { state in
                let event = state.events.popFirst()
                if event == nil { state.waiter = continuation }
                return event
            }
            if let event { continuation.resume(with: event) }
        }
    }
}
