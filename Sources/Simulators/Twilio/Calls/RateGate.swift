import Synchronization

/// Lets so many calls a second begin; the others wait in the order in which they came, as in Twilio's queue.
final class RateGate: Sendable {
    private let interval: Duration
    private let next = Mutex(ContinuousClock.now)

    /// - Parameter perSecond: more than 0; infinity lets everything through.
    init(perSecond: Double) { interval = perSecond.isFinite ? .seconds(1 / perSecond) : .zero }

    /// Throws `CancellationError` when the call is not wanted any more; its slot is lost.
    func wait() async throws {
        let slot = next.withLock { next in
            let slot = max(next, .now)
            next = slot + interval
            return slot
        }
        if slot > .now { try await Task.sleep(until: slot, clock: .continuous) }
    }
}
