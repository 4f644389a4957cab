import FoundationEssentials
import Platform
import Synchronization

/// All calls of the simulated account, and the tasks that carry them through.
final class CallLedger: Sendable {
    private struct State {
        var calls: [String: SimulatedCall] = [:]
        /// In the order of their making.
        var order: [String] = []
        var tasks: [String: Task<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    func add(_ call: SimulatedCall) {
        state.withLock {
            $0.calls[call.sid] = call
            $0.order.append(call.sid)
        }
    }

    func update(_ sid: String, _ change: (inout SimulatedCall) -> Void) {
        state.withLock { state in
            guard var call = state.calls.removeValue(forKey: sid) else { return }
            change(&call)
            state.calls[sid] = call
        }
    }

    subscript(sid: String) -> SimulatedCall? { state.withLock { $0.calls[sid] } }

    var all: [SimulatedCall] { state.withLock { state in state.order.compactMap { state.calls[$0] } } }

    /// How many calls there are, without copying them.
    var count: Int { state.withLock { $0.order.count } }

    var unfinished: Int { state.withLock { $0.tasks.count } }

    /// Runs a call to its end.
    func drive(_ sid: String, _ body: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.tasks[sid] = Task {
                await body()
                self.state.withLock { _ = $0.tasks.removeValue(forKey: sid) }
            }
        }
    }

    /// Whoever drives the call finds itself cancelled, and ends it.
    func interrupt(_ sid: String) { state.withLock { $0.tasks[sid] }?.cancel() }

    func interruptAll() { for task in state.withLock({ $0.tasks }).values { task.cancel() } }

    /// Returns when the call has ended and its last webhook has been answered.
    func waitForEnd(of sid: String) async { await state.withLock { $0.tasks[sid] }?.value }

    /// Returns when no call is under way any more.
    func waitUntilIdle() async {
        while let task = state.withLock({ $0.tasks.values.first }) { await task.value }
    }
}
