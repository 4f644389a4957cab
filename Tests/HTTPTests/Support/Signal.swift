import Synchronization

/// Something that happens once, and who waits for it. A cancelled waiter goes on.
final class Signal: Sendable {
    private struct State {
        var isSent = false
        var nextID = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }
    private let state = Mutex(State())

    func send() {
        let waiters = state.withLock { state in
            state.isSent = true
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    func wait() async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let goesOn = state.withLock { state in
                    if state.isSent || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}

/// Counts, and lets a test wait until a count is reached.
final class Tally: Sendable {
    private let state = Mutex((count: 0, waiters: [(Int, Signal)]()))

    var count: Int { state.withLock { $0.count } }

    func add() {
        let reached = state.withLock { state in
            state.count += 1
            let count = state.count
            defer { state.waiters.removeAll { $0.0 <= count } }
            return state.waiters.filter { $0.0 <= count }.map(\.1)
        }
        for signal in reached { signal.send() }
    }

    func wait(for count: Int) async {
        let signal = Signal()
        let isReached = state.withLock { state in
            if state.count < count { state.waiters.append((count, signal)) }
            return state.count >= count
        }
        if !isReached { await signal.wait() }
    }
}
