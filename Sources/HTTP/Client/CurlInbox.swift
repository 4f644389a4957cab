import CLibCurl
import Synchronization

/// The way to libcurl's thread: commands in, in order, from any thread.
final class CurlInbox: Sendable {
    enum Command: Sendable {
        case start(Transfer)
        case cancel(ObjectIdentifier)
        case unpause(ObjectIdentifier)
        case shutDown
    }

    private struct State {
        var commands: [Command] = []
        /// Nil once the thread has ended.
        var multi: CurlMulti?
        var endWaiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state: Mutex<State>

    init(_ multi: CurlMulti) { state = Mutex(State(multi: multi)) }

    /// Begins the transfer; its receiver hears of the end, whatever it is.
    func start(_ transfer: Transfer) {
        guard !post(.start(transfer)) else { return }
        transfer.receiver.end(.shutDown(transfer.plan))
    }

    /// Ends the transfer with `.cancelled`, if it has not ended yet; also when it is about to be started.
    func cancel(_ transfer: Transfer) {
        transfer.markCancelled()
        post(.cancel(ObjectIdentifier(transfer)))
    }

    func unpause(_ transfer: Transfer) { post(.unpause(ObjectIdentifier(transfer))) }

    func shutDown() { post(.shutDown) }

    /// Returns when the thread has ended.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if state.multi != nil { state.endWaiters.append(continuation) }
                return state.multi == nil
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// For the thread: what came in since the last time.
    func take() -> [Command] {
        state.withLock { state in
            defer { state.commands.removeAll(keepingCapacity: true) }
            return state.commands
        }
    }

    /// For the thread, at its end, before the multi handle goes. Returns what came too late.
    func close() -> [Command] {
        let (rest, waiters) = state.withLock { state in
            defer { state = State() }
            return (state.commands, state.endWaiters)
        }
        for waiter in waiters { waiter.resume() }
        return rest
    }

    /// False when the thread has ended. Waking is inside the lock: the handle cannot go in between.
    @discardableResult
    private func post(_ command: Command) -> Bool {
        state.withLock { state in
            guard let multi = state.multi else { return false }
            state.commands.append(command)
            if state.commands.count == 1 { curl_multi_wakeup(multi.handle) }
            return true
        }
    }
}

/// A curl_multi handle.
// Sendable because only curl_multi_wakeup, which libcurl allows from any thread, is called on it from elsewhere than the
// one thread that owns it.
struct CurlMulti: @unchecked Sendable {
    let handle: UnsafeMutableRawPointer
}
