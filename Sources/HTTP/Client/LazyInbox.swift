import Synchronization

/// A thread that is only started when something is first to be sent on it.
final class LazyInbox: Sendable {
    private enum State {
        case notStarted(@Sendable () -> CurlInbox?)
        case started(CurlInbox?)
    }
    private let state: Mutex<State>

    init(start: @escaping @Sendable () -> CurlInbox?) { state = Mutex(.notStarted(start)) }

    /// Nil after `shutDown`, or when libcurl has no memory.
    func get() -> CurlInbox? {
        state.withLock { state in
            switch state {
            case .started(let inbox): return inbox
            case .notStarted(let start):
                let inbox = start()
                state = .started(inbox)
                return inbox
            }
        }
    }

    /// No thread is given out any more; the one that was is returned, for its owner to end.
    func shutDown() -> CurlInbox? {
        state.withLock { state in
            defer { state = .started(nil) }
            if case .started(let inbox) = state { return inbox }
            return nil
        }
    }
}
