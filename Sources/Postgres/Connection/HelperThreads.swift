import Platform
import Synchronization

/// A few threads for what blocks inside libpq: looking names up, connecting, cancelling. They start when there is work and end
/// when there is none.
final class HelperThreads: Sendable {
    private struct State {
        var running = 0
        var queue = FIFO<@Sendable () -> Void>()
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    func run(_ work: @escaping @Sendable () -> Void) {
        let needsThread = state.withLock { state in
            state.queue.append(work)
            guard state.running < limit else { return false }
            state.running += 1
            return true
        }
        if needsThread { OwnThread.start { self.workOff() } }
    }

    private func workOff() {
        while let work = next() { work() }
    }

    private func next() -> (@Sendable () -> Void)? {
        state.withLock { state in
            let work = state.queue.popFirst()
            if work == nil { state.running -= 1 }
            return work
        }
    }
}
