import CLibPQ
import Glibc
import Platform
import Synchronization

/// What the loop tells of a socket. Called on the loop's thread: move bytes, resume tasks, return.
protocol SocketHandler: AnyObject, Sendable {
    func socketIsReady()
}

/// The one thread that waits for all libpq sockets of a client.
///
/// It holds its handlers strongly until they are removed, so a connection lives as long as its socket is watched. Statements are
/// sent on the caller's own thread under the connection's lock; so a round trip costs one change of threads, here.
final class EventLoop: Sendable {
    struct Interest: OptionSet, Sendable {
        let rawValue: UInt32
        static let read = Interest(rawValue: UInt32(EPOLLIN.rawValue))
        static let write = Interest(rawValue: UInt32(EPOLLOUT.rawValue))
    }

    private let epoll: Int32
    private let wakeup: Int32
    private let handlers = Mutex(Handlers())

    private struct Handlers {
        var bySocket: [Int32: any SocketHandler] = [:]
        var isStopped = false
    }

    init() {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeup = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(epoll >= 0 && wakeup >= 0, "no file descriptor is left for an event loop")
        control(EPOLL_CTL_ADD, wakeup, .read)
        OwnThread.start { [self] in wait() }
    }

    /// Only when the thread has ended and no connection is left that could still use the numbers.
    deinit {
        close(epoll)
        close(wakeup)
    }

    func add(_ socket: Int32, _ interest: Interest, _ handler: any SocketHandler) {
        handlers.withLock { $0.bySocket[socket] = handler }
        control(EPOLL_CTL_ADD, socket, interest)
    }

    func change(_ socket: Int32, to interest: Interest) {
        control(EPOLL_CTL_MOD, socket, interest)
    }

    /// Call before the socket is closed: its number may be another's right after, which an event that was on its way then wakes
    /// for nothing.
    func remove(_ socket: Int32) {
        control(EPOLL_CTL_DEL, socket, [])
        // Outside of the lock: letting go of a handler may end it, which comes back here.
        _ = handlers.withLock { $0.bySocket.removeValue(forKey: socket) }
    }

    /// Ends the thread. Sockets that are still watched are no longer.
    func stop() {
        handlers.withLock { $0.isStopped = true }
        var one: UInt64 = 1
        _ = write(wakeup, &one, 8)
    }

    private func control(_ operation: Int32, _ socket: Int32, _ interest: Interest) {
        var event = epoll_event(events: interest.rawValue, data: epoll_data_t(fd: socket))
        _ = epoll_ctl(epoll, operation, socket, &event)
    }

    private func wait() {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while !handlers.withLock({ $0.isStopped }) {
            let count = epoll_wait(epoll, &events, Int32(events.count), -1)
            for event in events.prefix(max(0, Int(count))) where event.data.fd != wakeup {
                handlers.withLock { $0.bySocket[event.data.fd] }?.socketIsReady()
            }
        }
        let left = handlers.withLock { handlers in
            defer { handlers.bySocket = [:] }
            return handlers.bySocket
        }
        // Some may end with this, outside of the lock.
        withExtendedLifetime(left) {}
    }
}
