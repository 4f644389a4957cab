import Synchronization

/// A sleep that can be cut short. One sleeper at a time; a ring while nobody sleeps cuts the next sleep short.
final class Alarm: Sendable {
    private struct State {
        var isRung = false
        var night = 0
        /// The newest night whose time was over, perhaps before its sleeper lay down.
        var lastOver = 0
        var sleeper: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func ring() {
        take { state in
            if state.sleeper == nil { state.isRung = true }
        }
    }

    /// Returns when the time is over, at a ring, or when the task is cancelled.
    func sleep(for duration: Duration) async {
        let night = state.withLock { state in
            state.night += 1
            return state.night
        }
        let timer = Task {
            try? await Task.sleep(for: duration)
            end(night)
        }
        await sleepUntilWoken(night)
        timer.cancel()
    }

    /// Returns at a ring, or when the task is cancelled.
    func wait() async {
        let night = state.withLock { state in
            state.night += 1
            return state.night
        }
        await sleepUntilWoken(night)
    }

    private func sleepUntilWoken(_ night: Int) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isRung || state.lastOver >= night || Task.isCancelled {
                        state.isRung = false
                        return true
                    }
                    state.sleeper = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            end(night)
        }
    }

    private func end(_ night: Int) {
        let isLatest = state.withLock { state in
            state.lastOver = max(state.lastOver, night)
            return state.night == night
        }
        if isLatest { take { _ in } }
    }

    private func take(_ change: (inout State) -> Void) {
        let sleeper = state.withLock { state in
            change(&state)
            defer { state.sleeper = nil }
            return state.sleeper
        }
        sleeper?.resume()
    }
}
