import Synchronization

/// What happened, in order, and a way to wait for it.
final class Journal<Entry: Sendable>: Sendable {
    private struct Waiter {
        let condition: @Sendable ([Entry]) -> Bool
        let continuation: CheckedContinuation<Void, Never>
    }
    private struct State {
        var entries: [Entry] = []
        var waiters: [Int: Waiter] = [:]
        var tickets = 0
    }
    private let state = Mutex(State())

    var entries: [Entry] { state.withLock { $0.entries } }

    func record(_ entry: Entry) {
        let ready = state.withLock { state in
            state.entries.append(entry)
            let entries = state.entries
            let ready = state.waiters.filter { $0.value.condition(entries) }
            for ticket in ready.keys { state.waiters[ticket] = nil }
            return ready
        }
        for waiter in ready.values { waiter.continuation.resume() }
    }

    /// Returns early when the task is cancelled, as the time limit of a test does.
    func wait(until condition: @escaping @Sendable ([Entry]) -> Bool) async {
        let ticket = state.withLock { state in
            state.tickets += 1
            return state.tickets
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if Task.isCancelled || condition(state.entries) { return true }
                    state.waiters[ticket] = Waiter(condition: condition, continuation: continuation)
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.continuation.resume()
        }
    }

    func wait(forCount count: Int) async { await wait { $0.count >= count } }
}

/// Holds whoever passes until it is opened.
final class Gate: Sendable {
    private let opened = Journal<Void>()

    func open() { opened.record(()) }

    func pass() async { await opened.wait(forCount: 1) }

    /// Holds a cancelled task too.
    func passIgnoringCancellation() async { await Task { await pass() }.value }
}

/// Ends when the task is cancelled, as a handler should.
func sleepUntilCancelled() async throws {
    try await Task.sleep(for: .seconds(3600))
}
