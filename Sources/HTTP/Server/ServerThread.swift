import CMicroHTTPD
import Glibc
import Platform
import Synchronization

/// The server's own thread: accepts, hears of clients that leave, keeps deadlines, and stops libmicrohttpd.
///
/// It accepts for libmicrohttpd because a listening socket that is taken away from a running libmicrohttpd 0.9.75
/// (`MHD_quiesce_daemon`) races with its epoll thread, which then ends the process.
final class ServerThread {
    private let core: ServerCore
    private let daemon: Daemon
    private let stopper: ServerStopper
    private var listener: ListenSocket?
    private var isListenerWatched = false
    /// Until then nothing is accepted: there was no descriptor left.
    private var pausedUntil: ContinuousClock.Instant?

    static func start(_ core: ServerCore, _ daemon: Daemon, _ listener: ListenSocket, _ stopper: ServerStopper) {
        OwnThread.start { ServerThread(core, daemon, listener, stopper).run() }
    }

    private init(_ core: ServerCore, _ daemon: Daemon, _ listener: ListenSocket, _ stopper: ServerStopper) {
        self.core = core
        self.daemon = daemon
        self.listener = listener
        self.stopper = stopper
    }

    private func run() {
        while true {
            updateListener()
            let stopAt = stopper.stopAt
            if let stopAt {
                drain()
                if stopAt <= .now || !core.state.withLock({ $0.hasActiveExchanges }) { break }
            }
            let next = core.checkDeadlines()
            wait(until: [stopAt, next, pausedUntil].compactMap(\.self).min())
        }
        for exchange in core.state.withLock({ $0.stop() }) { exchange.abandon() }
        daemon.stop()
        stopper.ended()
    }

    private func wait(until instant: ContinuousClock.Instant?) {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        let count = epoll_wait(core.epoll, &events, Int32(events.count), Self.milliseconds(until: instant))
        for event in events.prefix(Int(max(0, count))) {
            switch event.data.u64 {
            case ServerCore.wakeMark: core.clearWakeUp()
            case ServerCore.listenMark: acceptSome()
            default: core.clientLeft(event.data.u64)
            }
        }
    }

    /// At least 10 ms: many deadlines that lie close together are looked at together.
    private static func milliseconds(until instant: ContinuousClock.Instant?) -> Int32 {
        guard let instant else { return -1 }
        let (seconds, attoseconds) = (instant - .now).components
        return Int32(clamping: max(10, seconds * 1_000 + attoseconds / 1_000_000_000_000_000 + 1))
    }

    private func acceptSome() {
        guard let listener else { return }
        var address = sockaddr_storage()
        var length = socklen_t(0)
        for _ in 0..<64 where core.state.withLock({ $0.mayAccept }) {
            switch listener.accept(&address, &length) {
            case .connection(let socket):
                core.state.withLock { $0.acceptedOne() }
                if !daemon.add(socket, &address, length) { core.state.withLock { $0.acceptFailed() } }
            case .none: return
            case .exhausted(let reason):
                core.logger.error("no connection can be accepted now", metadata: ["reason": "\(reason)"])
                pausedUntil = .now + .milliseconds(500)
                return
            }
        }
    }

    /// At the limit, new connections wait in the system's queue.
    private func updateListener() {
        if let pausedUntil, pausedUntil <= .now { self.pausedUntil = nil }
        guard let listener else { return }
        let wanted = pausedUntil == nil && core.state.withLock { $0.mayAccept }
        guard wanted != isListenerWatched else { return }
        if wanted {
            isListenerWatched = core.watch(listener.descriptor, mark: ServerCore.listenMark, events: EPOLLIN.rawValue)
        } else {
            epoll_ctl(core.epoll, EPOLL_CTL_DEL, listener.descriptor, nil)
            isListenerWatched = false
        }
    }

    private func drain() {
        core.state.withLock { $0.drain() }
        // Closing takes it out of epoll's set as well.
        listener.take()?.close()
    }
}

/// Who asked the server to stop, and who waits for its end.
final class ServerStopper: Sendable {
    private struct State {
        var stopAt: ContinuousClock.Instant?
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Mutex(State())
    private let wake: @Sendable () -> Void

    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    /// When what is still under way is to be abandoned; nil while the server runs.
    var stopAt: ContinuousClock.Instant? { state.withLock { $0.stopAt } }

    /// The earliest limit that anyone asked for holds.
    func stop(within limit: Duration) {
        state.withLock { state in
            let wanted = ContinuousClock.now + limit
            state.stopAt = min(state.stopAt ?? wanted, wanted)
        }
        wake()
    }

    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.waiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    func ended() {
        let waiters = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
